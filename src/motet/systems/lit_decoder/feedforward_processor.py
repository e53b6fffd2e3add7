"""The feed-forward classifiers' processor: an Example as one image and one class per task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motet.core import Example, Task
from motet.systems.base import BaseProcessor, Entry, ImageInputs, Row, allowed_changes, one_image
from motet.systems.lit_decoder.decoding import answer_names
from motet.systems.lit_decoder.targets import target_text


@dataclass(frozen=True)
class FeedforwardProcessor(BaseProcessor[Row[Entry], Entry]):
    """Encodes rows with all of their tasks; see `core.Processor`.

    Args:
        images: reads images.
    """

    images: ImageInputs

    def chosen(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        """Returns all tasks, in training too."""
        del rng
        return tasks

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[Entry]:
        """Encodes a row for all of its tasks."""
        entries = tuple(_entry(example, task, rng) for task in tasks)
        image = self.images.array(one_image(example), allowed_changes(tasks), rng)
        return Row(id=example.id, entries=entries, image=image)

    def value(self, entries: Sequence[Entry], indices: Sequence[int], rows: Sequence[Row[Entry]]) -> Tensor:
        """Returns the class of each row (r,); -1 where the annotation is none of the names, or there is none."""
        del indices, rows
        return torch.tensor([entry.value for entry in entries])


def _entry(example: Example, task: Task, rng: np.random.Generator | None) -> Entry:
    if rng is None and task.label not in example.labels:
        return Entry(task=task.name, value=-1, annotated=False)
    annotation = task.annotation_of(example)
    name, names = target_text(task, annotation, example.id, rng), answer_names(task)
    return Entry(task=task.name, value=names.index(name) if name in names else -1, annotation=annotation)
