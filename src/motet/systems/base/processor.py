"""A processor's shared half: one task per row in training, rows grouped by task, a missing annotation refused."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from motet.core import Batch, ConfigError, DataError, Example, FeatureStore, ImageFile, Target, Task
from motet.core.task import Invariance
from motet.systems.base.image_inputs import ImageInputs


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One task's part of a row; a system may add to it.

    Args:
        task: its name.
        value: the encoded target.
        annotated: whether the row has an annotation for it.
        annotation: as the reader gave it, for metrics.
    """

    task: str
    value: Any = None
    annotated: bool = True
    annotation: Any = None


EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True, kw_only=True)
class Row(Generic[EntryT]):
    """An Example, encoded; a system may add to it.

    Args:
        id: the Example's.
        entries: one per task.
        image: pixels or features of its image, or of several; None where no task sees any.
    """

    id: str
    entries: tuple[EntryT, ...] = ()
    image: Any = None


RowT = TypeVar("RowT", bound=Row[Any])


@runtime_checkable
class Views(Protocol):
    """The image half of a processor: batches and views of images, and the same half reading stored features."""

    def collate(self, images: Sequence[Any]) -> dict[str, Tensor]: ...
    def with_store(self, store: FeatureStore | None) -> Self: ...
    def view(self, image: ImageFile, index: int) -> np.ndarray: ...
    def view_changes(self, index: int) -> frozenset[Invariance]: ...
    def view_key(self) -> str: ...


class BaseProcessor(ABC, Generic[RowT, EntryT]):
    """The view that one system has of an Example; see `core.Processor`.

    A subclass is a frozen dataclass. A row of several tasks carries one of them in training, drawn each time, and all
    of them in evaluation.

    Attributes:
        images: the image half, with `Views` if it reads pixels; None where no task sees an image.
    """

    images: Any

    @abstractmethod
    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> RowT:
        """Encodes an Example for tasks that are chosen. Without `rng` a missing annotation is no error yet."""

    @abstractmethod
    def value(self, entries: Sequence[EntryT], indices: Sequence[int], rows: Sequence[RowT]) -> Any:
        """Returns the value of one task's target.

        Args:
            entries: the task's.
            indices: of the row that each entry belongs to.
            rows: all rows of the batch.
        """

    def inputs(self, rows: Sequence[RowT]) -> dict[str, Tensor]:
        """Returns the batch's inputs: the images of its rows. A system may add to them."""
        return {} if self.images is None else self._views().collate([row.image for row in rows])

    def chosen(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        """Returns the tasks that a row carries: in training one, drawn."""
        return tasks if rng is None or len(tasks) == 1 else [tasks[int(rng.integers(len(tasks)))]]

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> RowT:
        """Encodes one row; `rng=None` is evaluation."""
        return self.encode(example, self.chosen(tasks, rng), rng)

    def collate(self, rows: Sequence[RowT], *, keep_annotations: bool) -> Batch:
        """Makes a batch of rows.

        Raises:
            DataError: a row without an annotation, where annotations are to be kept.
        """
        found: dict[str, list[tuple[int, EntryT]]] = {}
        for index, row in enumerate(rows):
            for entry in self.entries_of(row, keep_annotations=keep_annotations):
                found.setdefault(entry.task, []).append((index, entry))
        targets = {name: self._target(entries, rows, keep_annotations) for name, entries in found.items()}
        return Batch(tuple(row.id for row in rows), self.inputs(rows), targets)

    def entries_of(self, row: RowT, *, keep_annotations: bool) -> Sequence[EntryT]:
        """Returns the entries of a row that a batch takes.

        Raises:
            DataError: a row without an annotation, where annotations are to be kept.
        """
        entries: Sequence[EntryT] = row.entries
        for entry in entries:
            if keep_annotations and not entry.annotated:
                raise DataError(
                    f"{row.id}: task {entry.task!r}: got no annotation; want one in every row that is evaluated"
                )
        return entries

    def _target(self, found: Sequence[tuple[int, EntryT]], rows: Sequence[RowT], keep_annotations: bool) -> Target:
        indices, entries = [index for index, _ in found], [entry for _, entry in found]
        annotations = tuple(entry.annotation for entry in entries) if keep_annotations else ()
        return Target(torch.tensor(indices), self.value(entries, indices, rows), annotations)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        """Returns view `index` of an image, (3, h, w) float32; view 0 is the plain one."""
        return self._views().view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        """Returns what is done to view `index`."""
        return self._views().view_changes(index)

    def view_key(self) -> str:
        """Returns a text that changes when the pixels of a view would."""
        return self._views().view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        """Returns the same processor reading stored features, or pixels where `store` is None."""
        if not isinstance(self.images, Views):
            return self
        reading: Self = dataclasses.replace(cast(Any, self), images=self.images.with_store(store))
        return reading

    def with_image_cache(self, folder: Path) -> Self:
        """Returns the same processor, keeping the pixels of resized images in a folder; itself without images.

        Raises:
            ConfigError: images that are not resized to one size.
        """
        if self.images is None:
            return self
        if not isinstance(self.images, ImageInputs):
            name = type(self).__name__
            raise ConfigError(f"Run.image_cache: got {name}; want a system that resizes images to one size, or None")
        reading: Self = dataclasses.replace(cast(Any, self), images=self.images.with_cache(folder))
        return reading

    def _views(self) -> Views:
        if not isinstance(self.images, Views):
            name = type(self).__name__
            raise ConfigError(f"{name}: got no task that sees an image; want one that reads its pixels")
        return self.images
