"""Batch to losses, batch to predictions: what the five architectures have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from motet.core.attention import AttentionMaps
from motet.core.batch import Batch, Losses
from motet.core.errors import ConfigError, UnsupportedTask
from motet.core.example import Example, ImageFile
from motet.core.prediction import Prediction
from motet.core.task import Invariance, Task

Side: TypeAlias = Literal["images", "texts"]


class FeatureStore(Protocol):
    """Features of a frozen encoder, kept instead of pixels (LiT decoder, section 5.9)."""

    def read(self, image: ImageFile, invariant: frozenset[Invariance], rng: np.random.Generator | None) -> np.ndarray:
        """One view's features as `System.encode` gave them, (n, d) float16.

        The plain view when `rng` is None, else one drawn from those whose flip and crop the task allows.
        """
        ...

    def read_view(
        self, image: ImageFile, allowed: frozenset[Invariance], rng: np.random.Generator | None
    ) -> tuple[np.ndarray, int]:
        """As `read`, and which view it is: for a system that moves boxes or maps along with it."""
        ...


class Processor(Protocol):
    """How one system sees an Example, and collates: one path for train, evaluate and serve.

    It runs in loader workers and holds no weights.
    """

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Any:
        """One row, encoded. `rng=None` is evaluation: no augmentation, nothing drawn."""
        ...

    def collate(self, rows: Sequence[Any], *, keep_annotations: bool) -> Batch:
        """Rows to a batch; `keep_annotations` also keeps the raw truths that metrics read."""
        ...

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """View `index` of an image as the encoder wants it, (3, h, w) float32; view 0 is the plain one."""
        ...

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """What was done to view `index`; a task gets only views whose changes it is invariant to."""
        ...

    def view_key(self) -> str:
        """A text that changes when the pixels of a view would: size, crop, normalisation."""
        ...

    def with_features(self, store: FeatureStore | None) -> Self:
        """The same processor reading stored features (None: pixels) for its images."""
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

    A target kind that the system cannot answer raises UnsupportedTask when the system is built.

    Attributes:
        mixes: whether one batch may hold rows of several sources.
        tasks_per_row: whether a row carries the targets of one task or of many.
        tasks: by name, in order; a task's index is its place here.
        processor: how this system sees an Example.
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
        """The only path through a frozen encoder: pixels (b, 3, h, w) to features (b, n, d)."""
        raise NotImplementedError(f"{type(self).__name__} has no frozen encoder whose features could be stored")

    def side(self, batch: Batch, task: str, of: Side) -> Mapping[str, Tensor]:
        """One side of the pairs of a `Match` over a split, as far as it can be computed without the other.

        Args:
            batch: rows with a picture and no text, or with a text and no picture; without targets.
            task: a `Match` with pool "split".
            of: which side the batch holds.

        Raises:
            UnsupportedTask: a system that scores no pairs.
        """
        del batch
        raise UnsupportedTask(
            f"{type(self).__name__}: task {task!r}: got a split's {of}; want a system that ranks them"
        )

    def score(self, task: str, images: Mapping[str, Tensor], texts: Mapping[str, Tensor]) -> Float[Tensor, "i t"]:
        """How well every picture fits every text, higher is better: i x t pairs of what `side` gave, rows first.

        Raises:
            UnsupportedTask: a system that scores no pairs.
        """
        del images, texts
        raise UnsupportedTask(f"{type(self).__name__}: task {task!r}: got a split's pairs; want one that ranks them")

    @abstractmethod
    def losses(self, batch: Batch) -> Losses:
        """Sums and weights by task, over the rows of the batch that have a target of it."""

    @abstractmethod
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Answers by task, in the order of `Target.rows`; call in eval mode."""

    def attention_layers(self, task: str) -> int:
        """How many layers of a task's rows `attention` can tell of; 0 where it tells nothing."""
        del task
        return 0

    def attention(self, batch: Batch, task: str, layers: Collection[int]) -> Sequence[AttentionMaps]:
        """What words look at and what regions look at, for each row of a task; call in eval mode.

        Args:
            batch: with targets of the task.
            task: one of which `attention_layers` says that it can be told.
            layers: by their place from the front.

        Raises:
            ConfigError: no such layer, or a task whose attention is not told.
        """
        del batch, layers
        raise ConfigError(f"attention: task {task!r}: got a {type(self).__name__}; want a system that tells of it")

    @abstractmethod
    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """What the tasks compete for: disjoint groups of parameters, shallow to deep."""

    def assets(self) -> Mapping[str, bytes]:
        """Files that belong to the saved model beside its weights (a trained tokeniser), by name."""
        return {}

    def asset_weights(self) -> tuple[str, ...]:
        """Prefixes of the weights that mean nothing without their assets (a row for each piece of a tokeniser).

        Who takes such a weight from another run takes its assets too; all of them by default.
        """
        return ("",)

    def answer_weights(self, task: str) -> tuple[str, ...]:
        """Prefixes of the weights that have a row for each name of a task's answers.

        Another model's are refused where its names are others or in another order: no shape would show it.
        """
        del task
        return ()

    def encoder_key(self) -> str | None:
        """A digest of the frozen encoder's weights, for stored features; None where features cannot be stored."""
        return None

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Whatever is estimated from batches now and then, kept as a saved buffer; nothing by default."""

    def started(self, taken: Collection[str]) -> None:
        """Told which weights came from another run: what begins as a copy of some is copied anew; nothing by default.

        Args:
            taken: names of the weights.
        """

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns optimiser groups ``{"name", "params", "lr_scale", "decay": bool}`` of the trained parameters, each once.

        By default two groups at the run's learning rate: matrices, which decay, and the rest, which does not.
        """
        return optimizer_groups(self, lambda name: "all", {"all": 1.0}, lambda name, parameter: parameter.ndim > 1)

    def task_weights(self) -> Mapping[str, float]:
        """What balancers multiply each task's loss with; ones by default."""
        return dict.fromkeys(self.tasks, 1.0)


class SystemConfig(Protocol):
    """A frozen dataclass of plain values that describes one system; `config.json` of a saved model holds its fields.

    Who reads a configuration needs no model: `motet.systems.build_system` builds one, by the table `SYSTEMS` for motet's
    own configurations and by a method ``build(tasks, *, texts, assets)`` for yours.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
