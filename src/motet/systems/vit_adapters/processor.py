"""Encodes Examples for the adapters: one image, and the targets of all tasks that the row has an annotation of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import Batch, DataError, Dense, Example, FeatureStore, ImageFile, Target, Task
from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry
from motet.systems.vit_adapters.image_inputs import ImageInputs, ImageRow
from motet.systems.vit_adapters.targets import encode_target


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        dense: whether its target is a map.
        value: the encoded target; empty where there is none.
        annotation: the raw annotation, for metrics.
    """

    task: str
    dense: bool
    value: Mapping[str, np.ndarray]
    annotation: Any = None


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: its pixels or features, and how the image was transformed.
        entries: one per task; in training only of the tasks that the row has an annotation of.
        bare: whether the Example has no annotation of any kind.
    """

    id: str
    image: ImageRow
    entries: tuple[Entry, ...]
    bare: bool


@dataclass(frozen=True)
class ViTAdaptersProcessor:
    """See `core.Processor`.

    Rows may be partly labelled: one has a depth map, the next classes and edges. In training, a row without any
    annotation of its tasks is an error, or, where the system adapts to another domain, a row of that domain.

    Args:
        images: reads images.
        adapting: whether rows without annotations belong to the target domain.
        scale_depth: whether depth is divided by the zoom of a crop, since a thing that appears twice as large appears
            half as far. Off by default, as in the paper, whose targets stay the file's metres: without crops every
            image is resized as a whole, in training and in evaluation, and nothing needs scaling.
    """

    images: ImageInputs
    adapting: bool = False
    scale_depth: bool = False

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """Encodes one row. Without `rng` a missing annotation is no error yet: `collate` checks it if it keeps them.

        Raises:
            DataError: a row to train on without any annotation, an annotation that does not fit, or a bad image.
        """
        labels = example.labels  # may decode a map on access, so only these tasks' labels are read
        labelled = [task for task in tasks if task.label in labels and labels[task.label] is not None]
        if rng is not None and not labelled and not self.adapting:
            names = sorted({task.label for task in tasks})
            raise DataError(
                f"{example.id}: annotations: got {sorted(example.labels) or 'none'}; want at least one of {names}"
            )
        carried = tasks if rng is None else labelled
        image = self.images.read(example, carried or tasks, rng)
        entries = tuple(self._entry(example, task, image.geometry, task in labelled) for task in carried)
        return Row(example.id, image, entries, bare=not labels)

    def _entry(self, example: Example, task: Task, geometry: Geometry, known: bool) -> Entry:
        dense = isinstance(task.target, Dense)
        if not known:
            return Entry(task.name, dense, {})
        annotation = task.annotation_of(example)
        value = encode_target(task, annotation, example.id, geometry, scale_depth=self.scale_depth)
        return Entry(task.name, dense, value, annotation)

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Collates rows to a batch.

        Inputs are ``pixels`` (b, 3, h, w), or ``features`` (b, n, c), and, where the system adapts, ``domain`` (b,),
        True on unlabelled rows of the target domain. A target's value holds ``label`` (r,); or ``map``, (r, c, h, w)
        float or (r, h, w) classes, with ``valid`` (r, h, w), True where the value is known, and ``geometry`` (r, 9),
        how the image was transformed. Map and valid are left out for predictions on rows without annotations.

        With `keep_annotations` a task's rows are those that have its annotation.

        Raises:
            DataError: annotations are to be kept, and a row has none of any kind.
        """
        by_task: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            if keep_annotations and row.bare:
                raise DataError(f"{row.id}: got no annotation; want one, to evaluate predictions")
            for entry in row.entries:
                if entry.value or not keep_annotations:
                    by_task.setdefault(entry.task, []).append((index, entry))
        geometries = torch.tensor([row.image.geometry.numbers for row in rows])
        targets = {name: _target(entries, geometries, keep_annotations) for name, entries in by_task.items()}
        inputs = self.images.collate([row.image for row in rows])
        if self.adapting:
            inputs["domain"] = torch.tensor([not row.entries for row in rows])
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self.images.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self.images.transform.view_changes(index)

    def view_key(self) -> str:
        return self.images.view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=replace(self.images, store=store))


def _target(entries: Sequence[tuple[int, Entry]], geometries: Tensor, keep_annotations: bool) -> Target:
    rows = torch.tensor([index for index, _ in entries])
    names = entries[0][1].value if all(entry.value for _, entry in entries) else ()
    value = {name: torch.from_numpy(np.stack([entry.value[name] for _, entry in entries])) for name in names}
    if entries[0][1].dense:
        value["geometry"] = geometries[rows]
    return Target(rows, value, tuple(entry.annotation for _, entry in entries) if keep_annotations else ())
