"""How UniT sees an Example: an image, a text or both, and one task's truth."""

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
from motet.systems.unit.targets import encoded, stacked


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        ids: of the text, none where the task sees no text.
        types: of which sentence each is.
        value: the truth as arrays.
        known: whether there is an annotation.
        truth: raw, for metrics.
        geometry: what was done to the picture, where the task asks for places in it.
    """

    task: str
    ids: tuple[int, ...]
    types: tuple[int, ...]
    value: Mapping[str, np.ndarray]
    known: bool
    annotation: Any = None
    geometry: Geometry | None = None


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        image: pixels or stored features; None when no task looks at one.
        entries: one a task.
    """

    id: str
    image: ImageRow | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class UniTProcessor:
    """See `core.Processor`.

    A row of several tasks gives one of them in training, drawn each time, and all of them in evaluation.

    Args:
        images: how an image is read.
        sentences: how a text is put; None where no task sees one.
        reading: how much of it.
        max_attributes: of one box.
    """

    images: ImageInputs | None
    sentences: SentenceTokenizer | None
    reading: TextLimits = field(default_factory=TextLimits)
    max_attributes: int = 16

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """One row. Without `rng` a missing annotation is no error yet: `collate` asks for it if truths are kept."""
        if rng is not None and len(tasks) > 1:
            tasks = [tasks[int(rng.integers(len(tasks)))]]
        image = None if self.images is None else self.images.read(example, tasks, rng)
        return Row(example.id, image, tuple(self._entry(example, task, image, rng is None) for task in tasks))

    def _entry(self, example: Example, task: Task, image: ImageRow | None, evaluation: bool) -> Entry:
        ids, types = self._read(example, task)
        geometry = None if image is None else image.geometry
        known = task.label in example.labels or not evaluation
        annotation = task.annotation_of(example) if known else None
        if known and annotation is None and isinstance(task.target, Label | Answer):
            raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {task.label!r}")
        value = encoded(task, annotation, example.id, geometry, self.max_attributes)
        return Entry(task.name, ids, types, value, known, annotation, geometry)

    def _read(self, example: Example, task: Task) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if "text" not in task.inputs:
            return (), ()
        if self.sentences is None:
            raise ConfigError(f"task {task.name!r}: got a processor without words; want one built with this task")
        room = self.reading.max_tokens_with_image if "image" in task.inputs else self.reading.max_tokens
        ids, types = self.sentences.encode(sentences_of(example, task), room)
        return tuple(ids), tuple(types)

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Rows to a batch.

        A target's value holds the text, ``ids``, ``types`` and ``read`` (r, t), the last True on what is no padding;
        and the truth: ``label`` (r,), or ``answers`` (r, k), or ``boxes`` (r, m, 4) by centre and size in parts of the
        view, ``labels`` (r, m), ``attributes`` (r, m, a) with -1 for none, ``valid`` (r, m); with boxes also
        ``geometry`` (r, 9), what was done to the picture.

        Raises:
            DataError: a row whose truth is to be kept has none.
        """
        found: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.known:
                    raise DataError(f"{row.id}: task {entry.task!r}: got no annotation; want one")
                found.setdefault(entry.task, []).append((index, entry))
        targets = {name: self._target(entries, keep_annotations) for name, entries in found.items()}
        inputs = {} if self.images is None else self.images.collate([row.image for row in rows])
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def _target(self, entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
        value = stacked([dict(entry.value) for _, entry in entries])
        if entries[0][1].ids and self.sentences is not None:
            value |= _text([entry for _, entry in entries], self.sentences.pad)
        geometries = [entry.geometry for _, entry in entries if entry.geometry is not None]
        if geometries and "boxes" in value:
            value["geometry"] = torch.tensor([_numbers(geometry) for geometry in geometries])
        annotation = tuple(entry.annotation for _, entry in entries) if keep_annotations else ()
        return Target(torch.tensor([index for index, _ in entries]), value, annotation)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self._images().view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self._images().transform.view_changes(index)

    def view_key(self) -> str:
        return self._images().view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=None if self.images is None else replace(self.images, store=store))

    def _images(self) -> ImageInputs:
        if self.images is None:
            raise ConfigError("UniT: got no task that sees an image; want one, for views of images")
        return self.images


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """A row's one sentence, or its pair; the task's prompt is put around the first one."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)


def geometry_of(numbers: Sequence[int]) -> Geometry:
    """The geometry of nine numbers of a batch."""
    x0, y0, x1, y1, flip, height, width, source_height, source_width = numbers
    return Geometry((x0, y0, x1, y1), bool(flip), (height, width), (source_height, source_width))


def _numbers(geometry: Geometry) -> tuple[int, ...]:
    return *geometry.crop_xyxy, int(geometry.hflip), *geometry.size_hw, *geometry.source_hw


def _text(entries: Sequence[Entry], pad: int) -> dict[str, Tensor]:
    length = max(len(entry.ids) for entry in entries)
    ids = torch.full((len(entries), length), pad)
    types = torch.zeros(len(entries), length, dtype=torch.long)
    for row, entry in enumerate(entries):
        ids[row, : len(entry.ids)] = torch.tensor(entry.ids)
        types[row, : len(entry.types)] = torch.tensor(entry.types)
    counts = torch.tensor([len(entry.ids) for entry in entries])
    return {"ids": ids, "types": types, "read": torch.arange(length) < counts[:, None]}
