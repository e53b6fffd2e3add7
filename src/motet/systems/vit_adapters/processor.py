"""Encodes Examples for the adapters: one image, and the targets of all tasks that the row has an annotation of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import DataError, Dense, Example, Task
from motet.preprocess.geometry import Geometry
from motet.systems.base import BaseProcessor, Entry, ImageInputs, Row, allowed_changes, one_image, stack_values
from motet.systems.vit_adapters.targets import encode_target


@dataclass(frozen=True, kw_only=True)
class ViTAdaptersEntry(Entry):
    """One task's part of a row.

    Args:
        geometry: how the image, and the map with it, was transformed; None for a class.
    """

    geometry: Geometry | None


@dataclass(frozen=True, kw_only=True)
class ViTAdaptersRow(Row[ViTAdaptersEntry]):
    """An Example, encoded; in training it has entries only of the tasks that it has an annotation of.

    Args:
        bare: whether the Example has no annotation of any kind.
    """

    bare: bool


@dataclass(frozen=True)
class ViTAdaptersProcessor(BaseProcessor[ViTAdaptersRow, ViTAdaptersEntry]):
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

    def chosen(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        """Returns all tasks, in training too."""
        del rng
        return tasks

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> ViTAdaptersRow:
        """Encodes a row. In training only tasks that it has an annotation of say how its image may be changed.

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
        allowed = allowed_changes(carried or tasks, moved=(Dense,))
        image, geometry = self.images.array_and_geometry(one_image(example), allowed, rng)
        entries = tuple(self._entry(example, task, geometry, task in labelled) for task in carried)
        return ViTAdaptersRow(id=example.id, image=image, entries=entries, bare=not labels)

    def _entry(self, example: Example, task: Task, geometry: Geometry, annotated: bool) -> ViTAdaptersEntry:
        value = annotation = None
        if annotated:
            annotation = task.annotation_of(example)
            value = encode_target(task, annotation, example.id, geometry, scale_depth=self.scale_depth)
        return ViTAdaptersEntry(
            task=task.name,
            value=value,
            annotated=annotated,
            annotation=annotation,
            geometry=geometry if isinstance(task.target, Dense) else None,
        )

    def entries_of(self, row: ViTAdaptersRow, *, keep_annotations: bool) -> Sequence[ViTAdaptersEntry]:
        """Returns a row's entries; where annotations are to be kept, those of the tasks that it has one of.

        Raises:
            DataError: annotations are to be kept, and a row has none of any kind.
        """
        if keep_annotations and row.bare:
            raise DataError(f"{row.id}: got no annotation; want one, to evaluate predictions")
        return [entry for entry in row.entries if entry.annotated or not keep_annotations]

    def inputs(self, rows: Sequence[ViTAdaptersRow]) -> dict[str, Tensor]:
        """Returns "pixels" (b, 3, h, w), or "features" (b, n, c).

        Where the system adapts, "domain" (b,) is True on unlabelled rows of the target domain.
        """
        domain = {"domain": torch.tensor([not row.entries for row in rows])} if self.adapting else {}
        return super().inputs(rows) | domain

    def value(
        self, entries: Sequence[ViTAdaptersEntry], indices: Sequence[int], rows: Sequence[ViTAdaptersRow]
    ) -> dict[str, Tensor]:
        """Returns a target's value.

        It holds ``label`` (r,); or ``map``, (r, c, h, w) float or (r, h, w) classes, with ``valid`` (r, h, w), True
        where the value is known, and ``geometry`` (r, 9), how the image was transformed. For predictions on rows of
        which some have no annotation, only ``geometry`` is left.
        """
        del indices, rows
        value = stack_values([entry.value for entry in entries]) if all(entry.annotated for entry in entries) else {}
        geometries = [entry.geometry.numbers for entry in entries if entry.geometry is not None]
        return value | ({"geometry": torch.tensor(geometries)} if geometries else {})
