"""Options of Uni-Perceiver: encoder sizes, experts, patches, masking, generation, prompt tuning and losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never, get_args

from motet.core import ConfigError
from motet.nn.gates import check_k
from motet.systems.uni_perceiver.attributes import Scheme

Routing: TypeAlias = Literal["token", "context", "modality", "task", "attribute"]
Where: TypeAlias = Literal["every other", "all"]
BY_DATA: frozenset[Routing] = frozenset({"token", "context"})
"""Routings that choose experts by each token's state: such experts cannot be merged."""


def is_expert_layer(where: Where, index: int) -> bool:
    """Returns true for a layer, counted from 0, that has experts; of "every other" the first has."""
    return where == "all" or index % 2 == 0


@dataclass(frozen=True)
class EncoderSize:
    """The size of an encoder.

    Args:
        width: channels.
        depth: number of layers.
        heads: of each attention.
        hidden: channels inside feed-forward parts.

    Raises:
        ConfigError: a number below 1, or a width that is no multiple of 4 and of the heads.
    """

    width: int
    depth: int
    heads: int
    hidden: int

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads, self.hidden) < 1:
            raise ConfigError(f"EncoderSize: got {self}; want at least 1 each")
        if self.width % self.heads or self.width % 4:
            raise ConfigError(
                f"EncoderSize.width: got {self.width}; want a multiple of 4 and of the heads, {self.heads}"
            )


TINY = EncoderSize(width=192, depth=12, heads=3, hidden=768)
BASE = EncoderSize(width=768, depth=12, heads=12, hidden=3072)
LARGE = EncoderSize(width=1024, depth=24, heads=16, hidden=4096)


@dataclass(frozen=True)
class Experts:
    """A conditional mixture of experts in the projections of attention and feed-forward parts.

    Source: Uni-Perceiver-MoE, section 3.2; sizes and noise as in the official code.

    Args:
        routing: the property of tokens that the choice of experts depends on.
        num_experts: per layer.
        k: number of experts per token.
        where: "every other" layer (base and large), or "all" (tiny).
        noise: standard deviation, times num_experts, of normal noise that is added to the scores in training.
        normalize: the weights of the k experts sum to 1, as in the code, for k of 2 or more; in the paper's equation 3
            they are those of the softmax.
        scheme: order of the attributes, see `TokenAttributes.bits`.
        balance: weight of a load-balancing loss; only for "token" and "context". The paper and its code have none.

    Raises:
        ConfigError: a number outside its range.
    """

    routing: Routing = "attribute"
    num_experts: int = 8
    k: int = 2
    where: Where = "every other"
    noise: float = 1.0
    normalize: bool = True
    scheme: Scheme = "paper"
    balance: float = 0.0

    def __post_init__(self) -> None:
        if self.routing not in get_args(Routing):
            raise ConfigError(f"Experts.routing: got {self.routing!r}; want one of {get_args(Routing)}")
        if self.num_experts < 1:
            raise ConfigError(f"Experts.num_experts: got {self.num_experts}; want at least 1")
        check_k(self.k, self.num_experts, "Experts")
        if self.where not in get_args(Where):
            raise ConfigError(f"Experts.where: got {self.where!r}; want one of {get_args(Where)}")
        if self.scheme not in get_args(Scheme):
            raise ConfigError(f"Experts.scheme: got {self.scheme!r}; want one of {get_args(Scheme)}")
        if not self.noise >= 0 or not self.balance >= 0:
            raise ConfigError(f"Experts.noise, balance: got {self.noise}, {self.balance}; want 0 or more")
        if self.balance and self.routing not in BY_DATA:
            raise ConfigError(
                f"Experts.balance: got {self.balance} with {self.routing!r} routing; want 0: this choice of "
                "experts does not depend on the data"
            )


@dataclass(frozen=True)
class TaskSpecificBlocks:
    """Separate projections for each task, in every layer; embedding, norms and similarity are shared.

    Source: Uni-Perceiver-MoE, figure 1 and table 3 ("task-specific parameterization").
    """


@dataclass(frozen=True)
class MergedExperts:
    """Experts merged for one task: one matrix per kind of token (see `merge_experts`).

    Args:
        matrix_of: by kind of token the name of its matrix; kinds with the same experts share one.
        where: the layers that had experts.
    """

    matrix_of: Mapping[str, str]
    where: Where = "every other"

    def __post_init__(self) -> None:
        if not self.matrix_of:
            raise ConfigError("MergedExperts.matrix_of: got none; want the matrix of at least one kind of token")


Blocks: TypeAlias = Experts | TaskSpecificBlocks | MergedExperts | None
"""The composition of layers; None: plain ones that all tasks share."""


def is_task_specific(blocks: Blocks) -> bool:
    """Returns true for blocks in which equal tokens of two tasks pass different weights."""
    match blocks:
        case None:
            return False
        case Experts():
            return blocks.routing == "task"
        case TaskSpecificBlocks() | MergedExperts():
            return True
        case other:
            assert_never(other)


def load_balance_weight(blocks: Blocks) -> float:
    """Returns the weight of the load-balancing loss, 0 without experts."""
    return blocks.balance if isinstance(blocks, Experts) else 0.0


@dataclass(frozen=True)
class Patches:
    """Images as patches of pixels, as in the paper.

    Args:
        size: height and width of images, in pixels.
        patch: height and width of a patch, in pixels.
        mean: of each channel, of values from 0 to 1; subtracted.
        std: of each channel; divided by.
        position_scale: factor of positions before their sines; the code has 160 / 224 where a model trained at 160
            pixels continues at 224.
    """

    size: int = 224
    patch: int = 16
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    position_scale: float = 1.0

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width of images, in pixels."""
        return self.size, self.size

    def __post_init__(self) -> None:
        if self.patch < 1 or self.size < 1 or self.size % self.patch:
            raise ConfigError(f"Patches.patch: got {self.patch} for images of {self.size}; want a divisor of the size")
        if not self.position_scale > 0:
            raise ConfigError(f"Patches.position_scale: got {self.position_scale}; want above 0")


@dataclass(frozen=True)
class MaskingConfig:
    """Whole-word masking of texts, for `Masked` words.

    Of the tokens of selected words 80 % become the special token, 10 % a random one, and 10 % stay.

    Source: the official code; Devlin et al., NAACL 2019.

    Args:
        probability: that a word is selected; all of its tokens are predicted then.

    Raises:
        ConfigError: a probability outside (0, 1].
    """

    probability: float = 0.15

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ConfigError(f"MaskingConfig.probability: got {self.probability}; want above 0 and at most 1")


@dataclass(frozen=True)
class GenerationConfig:
    """The beam search that generates texts.

    Args:
        num_beams: texts per row at each step, ended ones among them; 2 in the official code.
        length_penalty: exponent of the length that a text's log-probability is divided by; 0, none, in the official
            configurations.

    Raises:
        ConfigError: a number outside its range.
    """

    num_beams: int = 2
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ConfigError(f"GenerationConfig.num_beams: got {self.num_beams}; want at least 1")
        if not self.length_penalty >= 0:
            raise ConfigError(f"GenerationConfig.length_penalty: got {self.length_penalty}; want 0 or more")


@dataclass(frozen=True)
class PromptTuning:
    """Prompt tuning: trains prompts, norms, the special token's bias and linear class scores; all else is frozen.

    Source: Uni-Perceiver-MoE, section 4.4; the official `moe_prompt_tuning` configurations.

    Args:
        length: number of prompts per layer, for inputs and for targets each.
        classes: tasks with names add the scores of a linear layer, zero at the start, to the similarities.

    Raises:
        ConfigError: a negative length.
    """

    length: int = 10
    classes: bool = True

    def __post_init__(self) -> None:
        if self.length < 0:
            raise ConfigError(f"PromptTuning.length: got {self.length}; want 0 or more")


@dataclass(frozen=True)
class LossConfig:
    """Options of the losses.

    Args:
        smoothing: of labels, for classes of images and videos, and for retrieval; over all targets, the right one
            among them.
        sampled_words: number of vocabulary words that a training step compares with: those of the batch and random
            ones; None: the whole vocabulary, as in the paper.
        gather: retrieval has negatives from all ranks, in steps where all ranks have the same tasks in the same order;
            else from the rank's own batch.
        mixup_alpha: parameter of mixup, for `mixup_tasks`; the official code's for ImageNet-22k.
        cutmix_alpha: parameter of cutmix, which then replaces mixup in half of the batches; 0 for none, 1 in the
            official code.
        mixup_tasks: tasks with a `Label` on images whose rows are mixed in pairs; their soft targets are smoothed, too.
        weights: factors of the losses, by task; 1 where a task is not named.

    Raises:
        ConfigError: a number outside its range.
    """

    smoothing: float = 0.1
    sampled_words: int | None = None
    gather: bool = True
    mixup_alpha: float = 0.8
    cutmix_alpha: float = 0.0
    mixup_tasks: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"LossConfig.smoothing: got {self.smoothing}; want from 0 to below 1")
        if self.sampled_words is not None and self.sampled_words < 1:
            raise ConfigError(f"LossConfig.sampled_words: got {self.sampled_words}; want at least 1, or None for all")
        if not self.cutmix_alpha >= 0:
            raise ConfigError(f"LossConfig.cutmix_alpha: got {self.cutmix_alpha}; want 0 or more")
        if not self.mixup_alpha > 0:
            raise ConfigError(f"LossConfig.mixup_alpha: got {self.mixup_alpha}; want above 0, or no `mixup_tasks`")
        if bad := {name: weight for name, weight in self.weights.items() if not weight >= 0}:
            raise ConfigError(f"LossConfig.weights: got {bad}; want 0 or more")
