"""Processor of 12-in-1: images, texts and annotation of an Example to rows and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from motet.core import DataError, Example, Masked, Task
from motet.systems.base import (
    BaseProcessor,
    Entry,
    Row,
    annotation_of_row,
    encode_candidates,
    stack_values,
    task_of_split,
)
from motet.systems.twelve_in_one.image_inputs import collate_images
from motet.systems.twelve_in_one.options import ReferringConfig
from motet.systems.twelve_in_one.pretraining import MaskedInputs, Pretraining
from motet.systems.twelve_in_one.region_inputs import RegionReader
from motet.systems.twelve_in_one.targets import encode_target, is_image_text_match
from motet.systems.twelve_in_one.text_inputs import TextRow, TwelveInOneTextInputs, pad_texts


@dataclass(frozen=True, kw_only=True)
class TwelveInOneEntry(Entry):
    """One task's part of a row.

    Args:
        task: its name.
        value: the encoded target as arrays; arrays whose length depends on the row are padded in a batch.
        annotated: whether the row has an annotation for the task.
        annotation: raw, for metrics.
        texts: one, or the distinct texts of its candidates.
        names: of the candidates, if they are texts or images.
    """

    texts: tuple[TextRow, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TwelveInOneRow(Row[TwelveInOneEntry]):
    """An Example, encoded.

    Args:
        id: the Example's.
        entries: one per task; none for a text or image that is paired with a whole split.
        image: all images of the row; none for a text alone.
        text: such a text.
    """

    text: TextRow | None = None


@dataclass(frozen=True)
class TwelveInOneProcessor(BaseProcessor[TwelveInOneRow, TwelveInOneEntry]):
    """The processor of 12-in-1; see `core.Processor`.

    In training a row of several tasks is encoded for one of them, drawn each time; in evaluation for all of them. Tasks
    of pre-training count as one: they are encoded together, with the same masked words and regions.

    Args:
        images: reads and transforms images, or reads their regions.
        text_inputs: tokenises texts.
        pretraining: masks words and regions.
        pairs: tasks on two images.
        referring: targets of regions.
    """

    images: RegionReader
    text_inputs: TwelveInOneTextInputs
    pretraining: Pretraining
    pairs: frozenset[str] = frozenset()
    referring: ReferringConfig = field(default_factory=ReferringConfig)

    def chosen(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        """Returns the tasks that a row carries: in training one, drawn, or all tasks of pre-training together."""
        if rng is None or len(tasks) == 1:
            return tasks
        together = self.pretraining.tasks_of(tasks)
        units = [[task] for task in tasks if task not in together] + ([together] if together else [])
        return units[int(rng.integers(len(units)))]

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> TwelveInOneRow:
        """Encodes a row for tasks that are chosen."""
        if (split_task := task_of_split(example, tasks)) is not None:
            if rng is not None:
                raise DataError(f"{example.id}: task {split_task.name!r}: candidates: got none; want some in training")
            text = None if example.images else self.text_inputs.encode(split_task.prompt_for(example), split_task)
            return TwelveInOneRow(id=example.id, image=self.images.read(example, tasks, rng), text=text)
        for task in tasks:
            self._check_image_count(example, task)
        images = self.images.read(example, tasks, rng)
        masked = self.pretraining.mask(example, tasks, rng)
        entries = tuple(self._entry(example, task, masked.get(task.name), rng is None) for task in tasks)
        return TwelveInOneRow(id=example.id, image=images, entries=entries)

    def _check_image_count(self, example: Example, task: Task) -> None:
        number = len(example.images)
        if task.name in self.pairs:
            if number != 2:
                raise DataError(f"{example.id}: images: got {number}; want exactly two, for task {task.name!r}")
        elif number != 1 and not (number and is_image_text_match(task)):
            raise DataError(f"{example.id}: images: got {number}; want exactly one, for task {task.name!r}")

    def _entry(self, example: Example, task: Task, masked: MaskedInputs | None, evaluation: bool) -> TwelveInOneEntry:
        annotated, annotation = annotation_of_row(example, task, evaluation=evaluation)
        names: tuple[str, ...] = ()
        value: dict[str, np.ndarray] = {}
        if is_image_text_match(task):
            words, names, value = encode_candidates(example, task, annotation)
            texts = tuple(self.text_inputs.encode(text, task) for text in words)
        else:
            if not isinstance(task.target, Masked):
                value = encode_target(example, task, annotation, self.images, self.referring, training=not evaluation)
            prompt = task.prompt_for(example)
            texts = (self.text_inputs.encode(prompt, task) if masked is None else masked.text,)
            value |= {} if masked is None else masked.arrays
        return TwelveInOneEntry(
            task=task.name, value=value, annotated=annotated, annotation=annotation, texts=texts, names=names
        )

    def inputs(self, rows: Sequence[TwelveInOneRow]) -> dict[str, Tensor]:
        """Returns a batch's images, see `collate_images`, and those of its texts that are paired with a split."""
        images = [row.image for row in rows]
        inputs = collate_images(images) if any(images) else {}
        texts = [(row.text,) for row in rows if row.text is not None]
        return inputs | (pad_texts(texts, self.text_inputs.sentences.pad) if texts else {})

    def value(
        self, entries: Sequence[TwelveInOneEntry], indices: Sequence[int], rows: Sequence[TwelveInOneRow]
    ) -> dict[str, Any]:
        """Returns a target's value.

        It holds ``ids``, ``types`` and ``attention_mask`` (r, s, t), the last True on tokens of the s texts that are
        not padding; and, by kind of target:

        - ``label`` (r,), or ``answers`` (r, k);
        - for candidates ``text`` and ``image`` (r, c), the indices of their text and image, ``is_match`` and ``valid``
          (r, c), and ``names``;
        - for a referring expression ``box`` (r, 4) in pixels of the file, and ``is_referred`` (r,), False if it refers
          to nothing;
        - for boxes after the detected regions ``extra_boxes`` (r, e, 4) in pixels of the file, ``valid`` (r, e) and,
          from a source, ``extra_features`` (r, e, f); if they are candidates ``iou`` (r, e), the IoU with a match;
        - in pre-training ``masked_ids`` (r, s, t), the ids to predict or -1, ``draws`` (r, n), the random numbers of
          the regions' masks, and ``in_loss`` (r,).
        """
        del indices, rows
        value: dict[str, Any] = dict(stack_values([entry.value for entry in entries]))
        value |= pad_texts([entry.texts for entry in entries], self.text_inputs.sentences.pad)
        names = tuple(entry.names for entry in entries)
        return value | ({"names": names} if any(names) else {})
