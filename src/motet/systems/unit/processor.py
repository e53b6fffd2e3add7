"""Processor of UniT: image, text and annotation of an Example to rows and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import Answer, Batch, ConfigError, DataError, Example, FeatureStore, ImageFile, Label, Target, Task
from motet.core.task import Invariance
from motet.preprocess.geometry import Geometry
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.unit.image_inputs import ImageInputs, ImageRow
from motet.systems.unit.options import TextLimits
from motet.systems.unit.targets import encode_target, stack_targets


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        ids: token ids; empty for a task without text.
        types: 0 for tokens of the first sentence, 1 for those of the second.
        value: the encoded target.
        annotated: whether the row has an annotation for the task.
        annotation: raw, for metrics.
        geometry: the transform of the image, for tasks of boxes and regions.
    """

    task: str
    ids: tuple[int, ...]
    types: tuple[int, ...]
    value: Mapping[str, np.ndarray]
    annotated: bool
    annotation: Any = None
    geometry: Geometry | None = None


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: pixels or stored features; None if no task has image inputs.
        entries: one per task.
    """

    id: str
    image: ImageRow | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class UniTProcessor:
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

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """Encodes a row. Without `rng` a missing annotation is no error: `collate` raises if annotations are kept."""
        if rng is not None and len(tasks) > 1:
            tasks = [tasks[int(rng.integers(len(tasks)))]]
        image = None if self.images is None else self.images.read(example, tasks, rng)
        return Row(example.id, image, tuple(self._entry(example, task, image, rng is None) for task in tasks))

    def _entry(self, example: Example, task: Task, image: ImageRow | None, evaluation: bool) -> Entry:
        ids, types = self._encode_text(example, task)
        geometry = None if image is None else image.geometry
        known = task.label in example.labels or not evaluation
        annotation = task.annotation_of(example) if known else None
        if known and annotation is None and isinstance(task.target, Label | Answer):
            raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {task.label!r}")
        value = encode_target(task, annotation, example.id, geometry, self.max_attributes)
        return Entry(task.name, ids, types, value, known, annotation, geometry)

    def _encode_text(self, example: Example, task: Task) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if "text" not in task.inputs:
            return (), ()
        if self.sentences is None:
            raise ConfigError(f"task {task.name!r}: got a processor without a tokeniser; want one built with this task")
        limits = self.text_limits
        max_tokens = limits.max_tokens_with_image if "image" in task.inputs else limits.max_tokens
        ids, types = self.sentences.encode(sentences_of(example, task), max_tokens)
        return tuple(ids), tuple(types)

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Collates rows to a batch.

        A target's value holds the text, ``ids``, ``types`` and ``attention_mask`` (r, t), the last True on tokens that
        are not padding; and the encoded annotation: ``label`` (r,), or ``answers`` (r, k), or ``boxes`` (r, m, 4) as
        centre and size relative to the view, ``labels`` (r, m), ``attributes`` (r, m, a) padded with -1, ``valid``
        (r, m); with boxes also ``geometry`` (r, 9), the transform of the image.

        Raises:
            DataError: annotations are to be kept and a row has none.
        """
        by_task: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.annotated:
                    raise DataError(
                        f"{row.id}: task {entry.task!r}: got no annotation; want one in every row that is evaluated"
                    )
                by_task.setdefault(entry.task, []).append((index, entry))
        targets = {name: self._target(entries, keep_annotations) for name, entries in by_task.items()}
        inputs = {} if self.images is None else self.images.collate([row.image for row in rows])
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def _target(self, entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
        value = stack_targets([dict(entry.value) for _, entry in entries])
        if entries[0][1].ids and self.sentences is not None:
            value |= _pad_texts([entry for _, entry in entries], self.sentences.pad)
        geometries = [entry.geometry for _, entry in entries if entry.geometry is not None]
        if geometries and "boxes" in value:
            value["geometry"] = torch.tensor([_numbers(geometry) for geometry in geometries])
        annotation = tuple(entry.annotation for _, entry in entries) if keep_annotations else ()
        return Target(torch.tensor([index for index, _ in entries]), value, annotation)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self._image_inputs().view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self._image_inputs().transform.view_changes(index)

    def view_key(self) -> str:
        return self._image_inputs().view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=None if self.images is None else replace(self.images, store=store))

    def _image_inputs(self) -> ImageInputs:
        if self.images is None:
            raise ConfigError("UniT: got no task with image inputs; want one, to make views of images")
        return self.images


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """Returns a row's sentence or pair of sentences, the first of them in the task's prompt."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)


def geometry_of(numbers: Sequence[int]) -> Geometry:
    """Returns the geometry that nine numbers of a batch describe."""
    x0, y0, x1, y1, flip, height, width, source_height, source_width = numbers
    return Geometry((x0, y0, x1, y1), bool(flip), (height, width), (source_height, source_width))


def _numbers(geometry: Geometry) -> tuple[int, ...]:
    return *geometry.crop_xyxy, int(geometry.hflip), *geometry.size_hw, *geometry.source_hw


def _pad_texts(entries: Sequence[Entry], pad: int) -> dict[str, Tensor]:
    length = max(len(entry.ids) for entry in entries)
    ids = torch.full((len(entries), length), pad)
    types = torch.zeros(len(entries), length, dtype=torch.long)
    for row, entry in enumerate(entries):
        ids[row, : len(entry.ids)] = torch.tensor(entry.ids)
        types[row, : len(entry.types)] = torch.tensor(entry.types)
    counts = torch.tensor([len(entry.ids) for entry in entries])
    return {"ids": ids, "types": types, "attention_mask": torch.arange(length) < counts[:, None]}
