"""The interface of an architecture: batches to losses and predictions, and its processor and configuration."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core.attention import AttentionMaps
from motet.core.batch import Batch, Losses
from motet.core.errors import ConfigError, UnsupportedTask
from motet.core.example import Example, ImageFile
from motet.core.prediction import Prediction
from motet.core.task import Invariance, Task

Side: TypeAlias = Literal["images", "texts"]


class FeatureStore(Protocol):
    """Stored features of a frozen encoder, read in place of pixels (LiT decoder, section 5.9)."""

    def read(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """Returns the features of one view as `System.encode` computed them, (n, d) float16.

        The plain view if `rng` is None, else one drawn from those whose flip and crop the task allows.
        """
        ...

    def read_view(
        self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, int]:
        """Returns the features as `read` does, and the view's index, for a system that transforms boxes or maps."""
        ...


class TextStore(Protocol):
    """Stored states of a frozen text encoder, read in place of encoding a text again."""

    def read(self, ids: Sequence[int]) -> np.ndarray | None:
        """Returns the states of a text's tokens, (t, d) float16; None for a text that is not stored."""
        ...


class Processor(Protocol):
    """Encodes and collates Examples for one system, in the same way in training, evaluation and serving.

    It runs in loader workers and holds no weights.
    """

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Any:
        """Returns one encoded row. `rng=None` is evaluation: no augmentation, no random draw."""
        ...

    def collate(self, rows: Sequence[Any], *, keep_annotations: bool) -> Batch:
        """Returns a batch of rows; with `keep_annotations` also the raw annotations that metrics read."""
        ...

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """Returns view `index` of an image as encoder input, (3, h, w) float32; view 0 is the plain one."""
        ...

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """Returns the augmentations of view `index`; a task gets only views that it is invariant to."""
        ...

    def view_key(self) -> str:
        """Returns a text that changes when the pixels of a view would: size, crop, normalisation."""
        ...

    def with_features(self, store: FeatureStore | None) -> Self:
        """Returns the same processor, reading stored features (None: pixels) for its images."""
        ...


@runtime_checkable
class CachesImages(Protocol):
    """A processor that can keep resized images on the disk, so that a large file is decoded once."""

    def with_image_cache(self, folder: Path) -> Self:
        """Returns the same processor, keeping the pixels of resized images in a folder. Raises ConfigError."""
        ...


def optimizer_groups(
    module: nn.Module,
    part_of: Callable[[str], str],
    lr_scales: Mapping[str, float],
    decays: Callable[[str, nn.Parameter], bool],
) -> list[dict[str, Any]]:
    """Returns optimiser groups of a module's trained parameters: one per part and per whether it decays.

    Args:
        module: its parameters with `requires_grad` are grouped, each once, in the order of `named_parameters`.
        part_of: the part that a parameter, by its name, belongs to.
        lr_scales: each part's multiple of the learning rate.
        decays: whether weight decay holds for a parameter, by its name and value.

    Returns:
        Groups ``{"name", "params", "lr_scale", "decay"}``, called as the part, or ``PART_plain`` without decay.
    """
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((part_of(name), decays(name, parameter)), []).append(parameter)
    return [
        {"name": part if decay else f"{part}_plain", "params": found, "lr_scale": lr_scales[part], "decay": decay}
        for (part, decay), found in groups.items()
    ]


class System(nn.Module, ABC):
    """One architecture for all its tasks.

    A kind of target that the system does not support raises UnsupportedTask when the system is built.

    Attributes:
        mixes: whether one batch may hold rows of several sources.
        tasks_per_row: whether a row carries the targets of one task or of many.
        tasks: by name; a task's index is its position here.
        processor: encodes Examples for this system.
        config: the frozen dataclass it was built from (see `SystemConfig`).
        loss_terms: by task, the names of the terms its loss may have (see `Losses.terms`).
    """

    mixes: ClassVar[bool] = False
    tasks_per_row: ClassVar[Literal["one", "many"]] = "one"
    tasks: Mapping[str, Task]
    processor: Processor
    config: SystemConfig
    loss_terms: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def encode(self, pixels: Tensor) -> Tensor:
        """Returns the features (b, n, d) of pixels (b, 3, h, w); the only path through a frozen encoder."""
        raise NotImplementedError(f"{type(self).__name__} has no frozen encoder whose features could be stored")

    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """Encodes one side of the pairs of a `Match` over a split, as far as possible without the other side.

        Args:
            batch: rows with an image and no text, or with a text and no image; without targets.
            task: a `Match` with pool "split".
            of: the side that the batch holds.

        Raises:
            UnsupportedTask: a system that scores no pairs.
        """
        del batch
        raise UnsupportedTask(
            f"{type(self).__name__}: task {task!r}: got a split's {of}; want a system that ranks them"
        )

    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """Scores every image with every text, higher is better: i x t pairs of encoded sides, each with its rows first.

        Raises:
            UnsupportedTask: a system that scores no pairs.
        """
        del images, texts
        raise UnsupportedTask(f"{type(self).__name__}: task {task!r}: got a split's pairs; want one that ranks them")

    @abstractmethod
    def losses(self, batch: Batch) -> Losses:
        """Returns the loss sums and weights by task, over the rows of the batch that have a target of it."""

    @abstractmethod
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns the predictions by task, in the order of `Target.rows`; to be called in eval mode."""

    def attention_layers(self, task: str) -> int:
        """Returns the number of layers that `attention` can return for a task; 0 if the system returns none."""
        del task
        return 0

    def attention(self, batch: Batch, task: str, layers: Collection[int]) -> Sequence[AttentionMaps]:
        """Returns the attention between words and regions for each row of a task; to be called in eval mode.

        Args:
            batch: with targets of the task.
            task: a task for which `attention_layers` is above 0.
            layers: their indices, counted from the input.

        Raises:
            ConfigError: no such layer, or a task without attention maps.
        """
        del batch, layers
        raise ConfigError(
            f"attention: task {task!r}: got a {type(self).__name__}; want a system that has attention for this task"
        )

    @abstractmethod
    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Returns the parameters that tasks share, as disjoint blocks by name, shallow to deep."""

    def assets(self) -> Mapping[str, bytes]:
        """Returns the files that are saved with the weights (a trained tokeniser), by name."""
        return {}

    def asset_weights(self) -> tuple[str, ...]:
        """Returns prefixes of the weights that depend on the assets (one row per token of a tokeniser).

        Such weights can be taken from another run only together with its assets; by default this holds for all weights.
        """
        return ("",)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        """Returns prefixes of the weights that have one row per class name of a task.

        Those of another model are refused if its names or their order differ, which no shape would show.
        """
        del task
        return ()

    def encoder_key(self) -> str | None:
        """Returns a digest of the frozen encoder's weights, for stored features; None if features cannot be stored."""
        return None

    def pretrained_encoder(self) -> Callable[[Tensor], Tensor] | None:
        """Returns a map from pixels to features as `encode` does, with the encoder's weights of before the training.

        The linear probe and the nearest neighbour of a report read it. A frozen encoder is its own; a fine-tuned one is
        built again. None without a pretrained encoder.

        Raises:
            ConfigError: its weights cannot be fetched.
        """
        return None if self.encoder_key() is None else self.encode

    def pretrained_text_vectors(self) -> Callable[[Sequence[str]], Tensor] | None:
        """Returns a map from texts to vectors (n, d): the means over tokens of the pretrained text encoder's states.

        As in `pretrained_encoder` the weights are those of before the training. None without a pretrained one.

        Raises:
            ConfigError: its weights cannot be fetched.
        """
        return None

    def linear_heads(self) -> Mapping[str, nn.Linear]:
        """Returns by task the linear layer on a pretrained encoder's mean features that adds to its class scores.

        Their inputs are the vectors of the trivial baseline "linear probe". Where they are 0, training starts them as
        that probe, fitted to training rows. None by default.
        """
        return {}

    def pretrained_map(self) -> Callable[[Tensor], Tensor] | None:
        """Returns a map from pixels to the features of places (b, i, j, c), of a pretrained encoder; None without one.

        The linear probe of maps reads it, with the weights of before the training.
        """
        return None

    def linear_maps(self) -> Mapping[str, nn.Linear]:
        """Returns by task the linear layer on the features of `pretrained_map` that adds to the scores of its map.

        Where they are 0, training starts them as the linear probe, as those of `linear_heads`. None by default.
        """
        return {}

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Updates buffers that are estimated from batches at intervals; does nothing by default."""

    def started(self, taken: Collection[str]) -> None:
        """Renews the weights that start as copies of others, after weights of another run; does nothing by default.

        Args:
            taken: names of the weights that came from the other run.
        """

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns optimiser groups of the trained parameters, each once: ``{"name", "params", "lr_scale", "decay"}``.

        By default two groups at the run's learning rate: matrices, which decay, and the rest, which does not.
        """
        return optimizer_groups(self, lambda _: "all", {"all": 1.0}, lambda _, parameter: parameter.ndim > 1)

    def task_weights(self) -> Mapping[str, float]:
        """Returns the factor of each task's loss for balancers; ones by default."""
        return dict.fromkeys(self.tasks, 1.0)


@runtime_checkable
class HasDecoding(Protocol):
    """A system that makes its answers by a strategy per task, which may be changed after training.

    The field ``decoding`` of its configuration holds the strategies by task, so that a saved model keeps them.
    """

    def decode_with(self, decoding: Mapping[str, Any]) -> None:
        """Changes the strategies of some tasks; raises ConfigError for an unknown task or one that does not fit."""
        ...


@runtime_checkable
class StoresTexts(Protocol):
    """A system that can read stored states of its text encoder, so that a frozen one encodes each text once."""

    def text_key(self) -> str | None:
        """Returns a digest of the text encoder's weights and its tokeniser; None if its states cannot be stored."""
        ...

    def stored_text_tasks(self) -> Collection[str]:
        """Returns the tasks whose texts are read from a store; none without a frozen text encoder."""
        ...

    def text_ids(self, example: Example, task: Task) -> Sequence[tuple[int, ...]]:
        """Returns the token ids of each sentence of a row as the encoder reads it alone."""
        ...

    def encode_texts(self, ids: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        """Returns the states of texts of one length."""
        ...

    def read_texts(self, store: TextStore | None) -> None:
        """Lets the system's processor read stored states from now on; None encodes the texts of every batch."""
        ...


@runtime_checkable
class Mergeable(Protocol):
    """A system with experts that gives, for one task, a system without experts and with the same predictions."""

    def merge_experts(self, task: str) -> System:
        """Returns the system for one task; raises ConfigError if its experts cannot be merged."""
        ...


class SystemConfig(Protocol):
    """A frozen dataclass of plain values that describes one system; `config.json` of a saved model holds its fields.

    Who reads a configuration needs no model: `motet.systems.build_system` builds one, by the table `SYSTEMS` for
    motet's own configurations and by a method ``build(tasks, *, texts, assets)`` for yours.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
