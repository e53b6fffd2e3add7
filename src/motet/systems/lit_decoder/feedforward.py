"""The feed-forward baselines of appendix B.1: classifiers on the same encoder, one head per task."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import (
    Answer,
    Batch,
    ConfigError,
    Label,
    Loss,
    Losses,
    Prediction,
    System,
    Task,
    UnsupportedTask,
)
from motet.core.system import optimizer_groups
from motet.nn.encoders import BundledLite0, EncoderConfig, ImageEncoder
from motet.nn.heads import MapHead, MlpHead
from motet.nn.optim_groups import kernels
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import EncoderMode, Frozen, Tower
from motet.preprocess.images import Crop, ImageTransform, InceptionCrop
from motet.systems.base import ImageInputs, class_predictions
from motet.systems.lit_decoder.decoding import answer_names
from motet.systems.lit_decoder.feedforward_processor import FeedforwardProcessor


@dataclass(frozen=True)
class ConcatTokens:
    """Concatenation of all tokens of the image ("no pooling")."""


@dataclass(frozen=True)
class MeanToken:
    """The mean of the image's tokens."""


@dataclass(frozen=True)
class MapFrozen:
    """The frozen attention-pooling head that the encoder was trained with; not every encoder has one."""


@dataclass(frozen=True)
class MapReset:
    """One new attention-pooling head per task, trained from scratch.

    Args:
        heads: of its attention; a divisor of the encoder's width.
        hidden: channels inside its MLP; None for four times the encoder's width.
    """

    heads: int = 8
    hidden: int | None = None


Pooling: TypeAlias = ConcatTokens | MeanToken | MapFrozen | MapReset


@dataclass(frozen=True, kw_only=True)
class FeedforwardConfig:
    """One classifier per task on top of one encoder: linear or with a hidden layer, softmax cross-entropy.

    Source: appendix B.1 of the paper, which compares all poolings but the mean, and none, 1024 or 2048 hidden channels.

    Args:
        encoder: the image encoder.
        mode: frozen, fine-tuned or from scratch.
        pooling: of the image's tokens into one vector.
        hidden: channels of the hidden layer; None for a linear classifier.
        dropout: dropout probability on the pooled features.
        crop: of training images, for tasks that are invariant to it.
        hflip: whether training images are mirrored, for tasks that are invariant to it.
        antialias: resize with a filter as wide as the reduction; else bilinear between two by two pixels.
        draft: decode JPEGs at a reduced size where that is enough.
    """

    name: ClassVar[str] = "feedforward"

    encoder: EncoderConfig = field(default_factory=BundledLite0)
    mode: EncoderMode = field(default_factory=Frozen)
    pooling: Pooling = field(default_factory=MapReset)
    hidden: int | None = None
    dropout: float = 0.0
    crop: Crop = field(default_factory=InceptionCrop)
    hflip: bool = True
    antialias: bool = False
    draft: bool = False

    def __post_init__(self) -> None:
        if self.hidden is not None and self.hidden < 1:
            raise ConfigError(f"FeedforwardConfig.hidden: got {self.hidden}; want at least 1, or None")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"FeedforwardConfig.dropout: got {self.dropout}; want at least 0 and below 1")


class Head(nn.Module):
    """Pooling and classifier: tokens to class logits.

    Args:
        pool: (b, n, d) to (b, w).
        classify: (b, w) to (b, k).
    """

    def __init__(self, pool: nn.Module, classify: nn.Module) -> None:
        super().__init__()
        self.pool, self.classify = pool, classify

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b k"]:
        scores: Tensor = self.classify(self.pool(tokens))
        return scores


class Mean(nn.Module):
    """Mean pooling of tokens."""

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b d"]:
        return tokens.mean(dim=1)


class Feedforward(System):
    """One classifier per task on one image encoder.

    Args:
        config: its options.
        tasks: in order.
        fetch: whether pretrained encoder weights are fetched; a restored model brings its own.

    Raises:
        UnsupportedTask: a task without a closed list of names, or with other inputs than an image.
        ConfigError: `MapFrozen` on an encoder without a pooling head.
    """

    mixes: ClassVar[bool] = True
    tasks_per_row: ClassVar[Any] = "many"
    config: FeedforwardConfig
    processor: FeedforwardProcessor

    def __init__(self, config: FeedforwardConfig, tasks: Sequence[Task], *, fetch: bool = True) -> None:
        super().__init__()
        for task in tasks:
            _check_supported(task)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        self.tower = Tower(config.encoder, config.mode, fetch=fetch)
        pixels = self.tower.pixels
        transform = ImageTransform(
            pixels.size_hw, pixels.mean, pixels.std, config.crop, config.hflip, config.antialias, config.draft
        )
        self.processor = FeedforwardProcessor(ImageInputs(transform=transform))
        self.heads = nn.ModuleDict({parameter_name(task.name): self._head(task) for task in tasks})

    def _head(self, task: Task) -> Head:
        pool, width = _pool(self.config.pooling, self.tower.encoder)
        classify = MlpHead(width, self.config.hidden, len(answer_names(task)), dropout=self.config.dropout)
        return Head(pool, classify)

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        tokens: Tensor = self.tower(pixels)
        return tokens

    def losses(self, batch: Batch) -> Losses:
        """Returns softmax cross-entropies; a row whose annotation is none of the names has no weight."""
        found = {}
        for name, scores in self._scores(batch).items():
            labels = batch.targets[name].value
            total = F.cross_entropy(scores, labels, reduction="sum", ignore_index=-1)
            found[name] = Loss(total, (labels >= 0).sum().to(total.dtype))
        return Losses(found)

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        return {
            name: class_predictions(scores.float().log_softmax(dim=-1), answer_names(self.tasks[name]))
            for name, scores in self._scores(batch).items()
        }

    def _scores(self, batch: Batch) -> dict[str, Tensor]:
        tokens = batch.inputs["features"].float() if "features" in batch.inputs else self.encode(batch.inputs["pixels"])
        return {name: self.heads[parameter_name(name)](tokens[target.rows]) for name, target in batch.targets.items()}

    def answer_weights(self, task: str) -> tuple[str, ...]:
        return (f"heads.{parameter_name(task)}.",)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns encoder and heads, each split into kernels, which decay, and the rest, which does not.

        Source: big_vision decays only parameters called "kernel".
        """
        decaying = {id(kernel) for kernel in kernels(self)}
        return optimizer_groups(
            self,
            lambda name: "encoder" if name.startswith("tower.") else "heads",
            {"encoder": self.tower.lr_scale, "heads": 1.0},
            lambda _, parameter: id(parameter) in decaying,
        )

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the encoder if it is trained; every head belongs to one task."""
        encoder = [p for p in self.tower.parameters() if p.requires_grad]
        return {"encoder": encoder} if encoder else {}

    def encoder_key(self) -> str | None:
        return self.tower.key()

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        return self.tower.pretrained()


def _check_supported(task: Task) -> None:
    match task.target:
        case Label() | Answer() if answer_names(task):
            pass
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: a feed-forward classifier chooses from names: got {type(other).__name__}"
                f"{' without names' if isinstance(other, Answer) else ''}; want a Label, or an Answer with names"
            )
    if task.inputs != {"image"}:
        raise UnsupportedTask(
            f"task {task.name!r}: a feed-forward classifier takes one image: got {sorted(task.inputs)}; want no "
            "other inputs"
        )


def _pool(pooling: Pooling, encoder: ImageEncoder) -> tuple[nn.Module, int]:
    match pooling:
        case ConcatTokens():
            return nn.Flatten(), encoder.num_tokens * encoder.width
        case MeanToken():
            return Mean(), encoder.width
        case MapFrozen():
            pretrained = encoder.pool()
            if pretrained is None:
                raise ConfigError(
                    "MapFrozen: got an encoder without an attention-pooling head; want MapReset, or an encoder with one"
                )
            return _FrozenModule(copy.deepcopy(pretrained)), encoder.width
        case MapReset(heads, hidden):
            return MapHead(encoder.width, heads, hidden), encoder.width
        case other:
            assert_never(other)


class _FrozenModule(nn.Module):
    """A module that is never trained and always in eval mode."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module.requires_grad_(False)
        self.train()

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  it never is
        return super().train(False)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.module(tokens)
        return out


def build_feedforward(
    config: FeedforwardConfig,
    tasks: Sequence[Task],
    *,
    texts: Callable[[], Iterable[str]],
    assets: Mapping[str, bytes] | None = None,
) -> Feedforward:
    """Builds the system that a configuration describes; the arguments are those of `motet.systems.build_system`."""
    del texts  # there is no tokeniser
    return Feedforward(config, tasks, fetch=assets is None)
