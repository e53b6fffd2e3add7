"""Processor of UniT: image, text and annotation of an Example to rows and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from motet.core import ConfigError, Example, Task, TextStore
from motet.preprocess.geometry import Geometry
from motet.preprocess.sentence_tokenizer import SentenceTokenizer
from motet.systems.base import BaseProcessor, Entry, Row, annotation_of_row, pad_ids, sentences_of
from motet.systems.base.padding import stack_padded
from motet.systems.unit.image_inputs import UniTImageInputs
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
        states: stored states of each sentence, (t, d) float16; none where the batch encodes the text.
    """

    ids: tuple[int, ...] = ()
    types: tuple[int, ...] = ()
    geometry: Geometry | None = None
    states: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class UniTProcessor(BaseProcessor[Row[UniTEntry], UniTEntry]):
    """The processor of UniT; see `core.Processor`.

    In training a row of several tasks is encoded for one of them, drawn each time; in evaluation for all of them.

    Args:
        images: reads and transforms images; None if no task has image inputs.
        sentences: tokenises texts; None if no task has text inputs.
        text_limits: lengths of texts.
        max_attributes: of one box.
        separate: tasks whose sentences the text encoder reads one by one.
        texts: stored states of these sentences; None to encode them in every batch.
    """

    images: UniTImageInputs | None
    sentences: SentenceTokenizer | None
    text_limits: TextLimits = field(default_factory=TextLimits)
    max_attributes: int = 16
    separate: frozenset[str] = frozenset()
    texts: TextStore | None = None

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row[UniTEntry]:
        """Encodes a row for tasks that are chosen."""
        image, geometry = (None, None) if self.images is None else self.images.read(example, tasks, rng)
        entries = tuple(self._entry(example, task, geometry, rng is None) for task in tasks)
        return Row(id=example.id, image=image, entries=entries)

    def _entry(self, example: Example, task: Task, geometry: Geometry | None, evaluation: bool) -> UniTEntry:
        ids, types = self._encode_text(example, task)
        known, annotation = annotation_of_row(example, task, evaluation=evaluation)
        value = encode_target(task, annotation, example.id, geometry, self.max_attributes)
        return UniTEntry(
            task=task.name,
            value=value,
            annotated=known,
            annotation=annotation,
            ids=ids,
            types=types,
            geometry=geometry,
            states=self._stored_states(ids, types) if task.name in self.separate else (),
        )

    def sentence_ids(self, example: Example, task: Task) -> tuple[tuple[int, ...], ...]:
        """Returns the token ids of each sentence of a row, as a text encoder reads it alone."""
        return _split_pair(*self._encode_text(example, task))

    def _stored_states(self, ids: tuple[int, ...], types: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        """Returns the stored states of a text's sentences; none where one of them is not stored."""
        if self.texts is None:
            return ()
        states = [self.texts.read(sentence) for sentence in _split_pair(ids, types)]
        found = tuple(state for state in states if state is not None)
        return found if len(found) == len(states) else ()

    def _encode_text(self, example: Example, task: Task) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if "text" not in task.inputs:
            return (), ()
        if self.sentences is None:
            raise ConfigError(f"task {task.name!r}: got a processor without a tokeniser; want one built with this task")
        limits = self.text_limits
        max_tokens = limits.max_tokens_with_image if "image" in task.inputs else limits.max_tokens
        ids, types = self.sentences.encode(sentences_of(example, task), max_tokens)
        return tuple(ids), tuple(types)

    def value(
        self, entries: Sequence[UniTEntry], indices: Sequence[int], rows: Sequence[Row[UniTEntry]]
    ) -> dict[str, Tensor]:
        """Returns a target's value.

        It holds the text, ``ids``, ``types`` and ``attention_mask`` (r, t), the last True on tokens that are not
        padding; with stored states also ``states`` (r, t, d) float16 and ``states_mask`` (r, t), of pairs too
        ``second_states`` and ``second_states_mask``; and the encoded annotation: ``label`` (r,), or ``answers`` (r, k),
        or ``boxes`` (r, m, 4) as centre and size relative to the view, ``labels`` (r, m), ``attributes`` (r, m, a)
        padded with -1, ``valid`` (r, m); with boxes also ``geometry`` (r, 9), the transform of the image.
        """
        del indices, rows
        value = stack_targets([dict(entry.value) for entry in entries])
        if entries[0].ids and self.sentences is not None:
            value |= _pad_texts(entries, self.sentences.pad) | _pad_states([entry.states for entry in entries])
        geometries = [entry.geometry for entry in entries if entry.geometry is not None]
        if geometries and "boxes" in value:
            value["geometry"] = torch.tensor([geometry.numbers for geometry in geometries])
        return value


def _pad_texts(entries: Sequence[UniTEntry], pad: int) -> dict[str, Tensor]:
    ids, types = pad_ids([entry.ids for entry in entries], pad), pad_ids([entry.types for entry in entries], 0)
    counts = torch.tensor([len(entry.ids) for entry in entries])
    return {"ids": ids, "types": types, "attention_mask": torch.arange(ids.shape[1]) < counts[:, None]}


def _pad_states(rows: Sequence[tuple[np.ndarray, ...]]) -> dict[str, Tensor]:
    """Returns the stored states of a batch's sentences; nothing unless every row has the same number of them."""
    counts = {len(states) for states in rows}
    if counts not in ({1}, {2}):
        return {}
    value: dict[str, Tensor] = {}
    for side, prefix in zip(range(max(counts)), ("", "second_"), strict=False):
        states = [row[side] for row in rows]
        lengths = torch.tensor([len(state) for state in states])
        value[f"{prefix}states"] = stack_padded(states)
        value[f"{prefix}states_mask"] = torch.arange(int(lengths.max())) < lengths[:, None]
    return value


def _split_pair(ids: Sequence[int], types: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Returns the sentences of an encoded text one by one; the second one too starts with [CLS]."""
    first = tuple(one for one, kind in zip(ids, types, strict=True) if kind == 0)
    second = tuple(one for one, kind in zip(ids, types, strict=True) if kind == 1)
    return (first, (ids[0], *second)) if second else (first,)
