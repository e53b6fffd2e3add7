"""The feed-forward classifiers' processor: an Example as one image and one class per task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch

from motet.core import Batch, DataError, Example, FeatureStore, ImageFile, Target, Task
from motet.core.task import Invariance
from motet.systems.lit_decoder.answers import answer_names
from motet.systems.lit_decoder.processor import ImageInputs
from motet.systems.lit_decoder.targets import target_text


@dataclass(frozen=True)
class FeedforwardRow:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: pixels or stored features.
        classes: (task, class, raw annotation) per task; class -1 where the annotation is none of the names, None where
            there is no annotation.
    """

    id: str
    image: np.ndarray | None
    classes: tuple[tuple[str, int | None, Any], ...]


@dataclass(frozen=True)
class FeedforwardProcessor:
    """Encodes rows with all of their tasks; see `core.Processor`.

    Args:
        images: reads images.
    """

    images: ImageInputs

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> FeedforwardRow:
        classes: list[tuple[str, int | None, Any]] = []
        for task in tasks:
            if rng is None and task.label not in example.labels:
                classes.append((task.name, None, None))
                continue
            annotation = task.annotation_of(example)
            name = target_text(task, annotation, example.id, rng)
            names = answer_names(task)
            classes.append((task.name, names.index(name) if name in names else -1, annotation))
        return FeedforwardRow(example.id, self.images.read(example, tasks, rng), tuple(classes))

    def collate(self, rows: Sequence[FeedforwardRow], *, keep_annotations: bool) -> Batch:
        found: dict[str, list[tuple[int, int, Any]]] = {}
        for index, row in enumerate(rows):
            for task, label, annotation in row.classes:
                if keep_annotations and label is None:
                    raise DataError(f"{row.id}: task {task!r}: got no annotation; want one in every evaluated row")
                found.setdefault(task, []).append((index, -1 if label is None else label, annotation))
        targets = {
            task: Target(
                torch.tensor([index for index, _, _ in entries]),
                torch.tensor([label for _, label, _ in entries]),
                tuple(annotation for _, _, annotation in entries) if keep_annotations else (),
            )
            for task, entries in found.items()
        }
        return Batch(tuple(row.id for row in rows), self.images.collate([row.image for row in rows]), targets)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self.images.transform.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self.images.transform.view_changes(index)

    def view_key(self) -> str:
        return self.images.view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=replace(self.images, store=store))
