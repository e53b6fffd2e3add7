"""Where the paper, its code and smaller machines differ, as objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from motet.core import ConfigError
from motet.nn.gates import check_k
from motet.systems.uni_perceiver.attributes import Scheme

Routing: TypeAlias = Literal["token", "context", "modality", "task", "attribute"]
Where: TypeAlias = Literal["every other", "all"]
BY_DATA: frozenset[Routing] = frozenset({"token", "context"})
"""Routings whose choice is made for each token: they cannot be merged."""


def is_expert_layer(where: Where, index: int) -> bool:
    """Whether a layer, counted from 0, has experts; of "every other" the first has."""
    return where == "all" or index % 2 == 0


@dataclass(frozen=True)
class EncoderSize:
    """Of an encoder.

    Args:
        width: channels.
        depth: layers.
        heads: of each attention.
        hidden: channels inside feed-forward parts.

    Raises:
        ConfigError: a number below 1, or a width that cannot be cut into so many heads.
    """

    width: int
    depth: int
    heads: int
    hidden: int

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.heads, self.hidden) < 1:
            raise ConfigError(f"Sizes: got {self}; want at least 1 each")
        if self.width % self.heads or self.width % 4:
            raise ConfigError(f"Sizes.width: got {self.width}; want a multiple of 4 and of the heads, {self.heads}")


TINY = EncoderSize(width=192, depth=12, heads=3, hidden=768)
BASE = EncoderSize(width=768, depth=12, heads=12, hidden=3072)
LARGE = EncoderSize(width=1024, depth=24, heads=16, hidden=4096)


@dataclass(frozen=True)
class Experts:
    """Conditional mixture of experts in the projections of attention and feed-forward parts.

    Source: Uni-Perceiver-MoE, section 3.2; sizes and noise as in the official code.

    Args:
        routing: what the choice of experts depends on.
        num_experts: in each layer.
        k: how many each token goes to.
        where: "every other" layer (base and large), or "all" (tiny).
        noise: on scores in training, of deviation noise / num_experts.
        normalize: whether the weights of the k sum to 1: the code, for k of 2 or more; the paper's equation 3 has them
            as the softmax gives them.
        scheme: of attributes, see `Attributes.bits`; they are the same statements in another order.
        balance: weight of a loss that keeps experts evenly used; only for "token" and "context". The paper and its code
            have none.

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
                f"Experts.balance: got {self.balance} with {self.routing!r} routing; want 0, since nothing about the "
                "data makes its choice"
            )


@dataclass(frozen=True)
class TaskSpecificBlocks:
    """A block of its own for each task, in every layer; what is before and behind the layers is shared.

    Source: Uni-Perceiver-MoE, figure 1 and table 3 ("task-specific parameterization").
    """


@dataclass(frozen=True)
class MergedExperts:
    """What is left of experts whose choice does not depend on data: a matrix for each kind of token of one task.

    Args:
        matrix_of: of each kind of token the name of its matrix; kinds that chose alike share one.
        where: the layers that had experts.
    """

    matrix_of: Mapping[str, str]
    where: Where = "every other"

    def __post_init__(self) -> None:
        if not self.matrix_of:
            raise ConfigError("Folded.matrix_of: got none; want the matrix of at least one kind of token")


Blocks: TypeAlias = Experts | TaskSpecificBlocks | MergedExperts | None
"""What layers are made of; None: plain ones that all tasks share."""


@dataclass(frozen=True)
class Patches:
    """Pictures as patches of pixels, as in the paper.

    Args:
        size: height and width of pictures, in pixels.
        patch: height and width of a patch.
        mean: of each channel, of values from 0 to 1; subtracted.
        std: of each channel; divided by.
        position_scale: what places in a picture are multiplied with before their sines are taken; the code's 160 / 224
            where a model trained at 160 pixels goes on at 224.
    """

    size: int = 224
    patch: int = 16
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    position_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.patch < 1 or self.size < 1 or self.size % self.patch:
            raise ConfigError(
                f"Patches.patch: got {self.patch} for pictures of {self.size}; want a divisor of the size"
            )
        if not self.position_scale > 0:
            raise ConfigError(f"Patches.position_scale: got {self.position_scale}; want above 0")


@dataclass(frozen=True)
class MaskingConfig:
    """What is hidden of texts, for `Masked` words.

    Source: the official code; Devlin et al., NAACL 2019: of the words to be told 80 % are hidden, 10 % become another
    piece and 10 % stay.

    Args:
        words: the share of words that are to be told; all pieces of a word are.
    """

    words: float = 0.15

    def __post_init__(self) -> None:
        if not 0 < self.words <= 1:
            raise ConfigError(f"Hiding.words: got {self.words}; want above 0 and at most 1")


@dataclass(frozen=True)
class GenerationConfig:
    """How texts are said, word by word.

    Args:
        beams: beginnings kept at each step; 2 in the official code.
        alpha: strength of the length normalisation ((5 + length) / 6) ** alpha; 0, none, in the official code.

    Raises:
        ConfigError: a number outside its range.
    """

    beams: int = 2
    alpha: float = 0.0

    def __post_init__(self) -> None:
        if self.beams < 1:
            raise ConfigError(f"Saying.beams: got {self.beams}; want at least 1")
        if not self.alpha >= 0:
            raise ConfigError(f"Saying.alpha: got {self.alpha}; want 0 or more")


@dataclass(frozen=True)
class PromptTuning:
    """Only prompts, norms, the special token's bias and the classes' own scores are trained; all else stays as it is.

    Source: Uni-Perceiver-MoE, section 4.4; the official `moe_prompt_tuning` configurations.

    Args:
        length: prompts in every layer, for inputs and for targets each.
        classes: whether tasks of names add a linear layer's scores to those of similarity, zero at the start.

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
    """How likelihoods become losses.

    Args:
        smoothing: of labels, for names of pictures and videos, and for retrieval; over all targets, the right one too.
        sampled_words: in training so many pieces of the vocabulary are compared with: those of the batch, filled up by
            lot; None for all of it, as in the paper.
        gather: whether retrieval takes its wrong pairs from all ranks, in steps where all ranks hold the same tasks in
            the same order; else from the rank's own batch.
        mixup: strength of mixing pictures of a batch, for tasks named in `mixed`; the official code's ImageNet-22k.
        mixed: tasks of a `Label` on pictures whose rows are mixed two by two.
        weights: by task, what its loss is multiplied with; 1 where it is not named.

    Raises:
        ConfigError: a number outside its range.
    """

    smoothing: float = 0.1
    sampled_words: int | None = None
    gather: bool = True
    mixup: float = 0.8
    mixed: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ConfigError(f"Learning.smoothing: got {self.smoothing}; want from 0 to below 1")
        if self.sampled_words is not None and self.sampled_words < 1:
            raise ConfigError(f"Learning.sampled_words: got {self.sampled_words}; want at least 1, or None for all")
        if not self.mixup > 0:
            raise ConfigError(f"Learning.mixup: got {self.mixup}; want above 0 (name no task in `mixed` for none)")
        if bad := {name: weight for name, weight in self.weights.items() if not weight >= 0}:
            raise ConfigError(f"Learning.weights: got {bad}; want 0 or more")
