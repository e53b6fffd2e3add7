"""Processor of UniT: image, text and annotation of an Example to rows and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from motet.core import Answer, ConfigError, DataError, Example, Label, Task
from motet.preprocess.geometry import Geometry
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base import BaseProcessor, Entry, Row, sentences_of
from motet.systems.unit.image_inputs import ImageInputs, ImageRow
from motet.systems.unit.options import TextLimits
from motet.systems.unit.targets import encode_target, stack_targets


@dataclass(frozen=True, kw_only=True)
class UniTEntry(Entry):
    """One task's part of a row.

    Args:
        task: its name.
        value: the encoded target, as arrays.
        annotated: whether the row has an annotation for the task.
        annotation: raw, for metrics.
        ids: token ids; empty for a task without text.
        types: 0 for tokens of the first sentence, 1 for those of the second.
        geometry: the transform of the image, for tasks of boxes and regions.
    """

    ids: tuple[int, ...] = ()
    types: tuple[int, ...] = ()
    geometry: Geometry | None = None


@dataclass(frozen=True)
class UniTProcessor(BaseProcessor[Row[UniTEntry], UniTEntry]):
    """The processor of UniT; see `core.Processor`.

    In training a row of several tasks is encoded for one of them, drawn each time; in evaluation for all of them.

    Args:
        images: reads and transforms images; None if no task has image inputs.
        sentences: tokenises texts; None if no task has text inputs.
        text_limits: lengths of texts.
        max_attributes: of one box.
    """

    images: ImageInputs | None
    sentences: SentenceTokenizer | None
    text_limits: TextLimits = field(default_factory=TextLimits)
    max_attributes: int = 16

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[UniTEntry]:
        """Encodes a row for tasks that are chosen."""
        image = None if self.images is None else self.images.read(example, tasks, rng)
        entries = tuple(self._entry(example, task, image, rng is None) for task in tasks)
        return Row(id=example.id, image=image, entries=entries)

    def _entry(self, example: Example, task: Task, image: ImageRow | None, evaluation: bool) -> UniTEntry:
        ids, types = self._encode_text(example, task)
        geometry = None if image is None else image.geometry
        known = task.label in example.labels or not evaluation
        annotation = task.annotation_of(example) if known else None
        if known and annotation is None and isinstance(task.target, Label | Answer):
            raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {task.label!r}")
        value = encode_target(task, annotation, example.id, geometry, self.max_attributes)
        return UniTEntry(
            task=task.name, value=value, annotated=known, annotation=annotation, ids=ids, types=types, geometry=geometry
        )

    def _encode_text(self, example: Example, task: Task) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if "text" not in task.inputs:
            return (), ()
        if self.sentences is None:
            raise ConfigError(f"task {task.name!r}: got a processor without a tokeniser; want one built with this task")
        limits = self.text_limits
        max_tokens = limits.max_tokens_with_image if "image" in task.inputs else limits.max_tokens
        ids, types = self.sentences.encode(sentences_of(example, task), max_tokens)
        return tuple(ids), tuple(types)

    def inputs(self, rows: Sequence[Row[UniTEntry]]) -> dict[str, Tensor]:
        """Returns the batch's images; see `ImageInputs.collate`."""
        return {} if self.images is None else self.images.collate([row.image for row in rows])

    def value(
        self, entries: Sequence[UniTEntry], indices: Sequence[int], rows: Sequence[Row[UniTEntry]]
    ) -> dict[str, Tensor]:
        """Returns a target's value.

        It holds the text, ``ids``, ``types`` and ``attention_mask`` (r, t), the last True on tokens that are not
        padding; and the encoded annotation: ``label`` (r,), or ``answers`` (r, k), or ``boxes`` (r, m, 4) as centre and
        size relative to the view, ``labels`` (r, m), ``attributes`` (r, m, a) padded with -1, ``valid`` (r, m); with
        boxes also ``geometry`` (r, 9), the transform of the image.
        """
        del indices, rows
        value = stack_targets([dict(entry.value) for entry in entries])
        if entries[0].ids and self.sentences is not None:
            value |= _pad_texts(entries, self.sentences.pad)
        geometries = [entry.geometry for entry in entries if entry.geometry is not None]
        if geometries and "boxes" in value:
            value["geometry"] = torch.tensor([geometry.numbers for geometry in geometries])
        return value


def _pad_texts(entries: Sequence[UniTEntry], pad: int) -> dict[str, Tensor]:
    length = max(len(entry.ids) for entry in entries)
    ids = torch.full((len(entries), length), pad)
    types = torch.zeros(len(entries), length, dtype=torch.long)
    for row, entry in enumerate(entries):
        ids[row, : len(entry.ids)] = torch.tensor(entry.ids)
        types[row, : len(entry.types)] = torch.tensor(entry.types)
    counts = torch.tensor([len(entry.ids) for entry in entries])
    return {"ids": ids, "types": types, "attention_mask": torch.arange(length) < counts[:, None]}
