"""The processor of Uni-Perceiver: images or frames, texts as token ids, and encoded targets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import (
    Answer,
    Batch,
    ConfigError,
    DataError,
    Example,
    FeatureStore,
    ImageFile,
    Label,
    Masked,
    Match,
    Target,
    Task,
    Text,
    UnsupportedTask,
    rng_for,
)
from motet.core.task import Invariance
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, matching_candidates, parse_answers, parse_pairs, parse_texts
from motet.systems.uni_perceiver.image_inputs import ImageInputs, ImageRow
from motet.systems.uni_perceiver.targets import is_generated, target_text
from motet.systems.uni_perceiver.text_inputs import TextInputs, padded, padded_masked_ids, stacked_texts


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        texts: token ids of the input text, or of the different texts of candidates; none without text inputs.
        value: the encoded target, as arrays.
        text_ids: of the text to generate; None: the task generates none, or the row has no annotation.
        known: the row has an annotation.
        annotation: raw, for metrics.
        names: of candidates.
        more_images: those behind the first, where candidates have several.
    """

    task: str
    texts: tuple[tuple[int, ...], ...]
    value: Mapping[str, np.ndarray]
    text_ids: tuple[int, ...] | None
    known: bool
    annotation: Any = None
    names: tuple[str, ...] = ()
    more_images: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        images: images or frames; None: no task has any.
        entries: one per task; none where the row is one side of the pairs of a whole split.
        text: token ids of such a side; None: it is an image.
    """

    id: str
    images: ImageRow | None
    entries: tuple[Entry, ...]
    text: tuple[int, ...] | None = None


@dataclass(frozen=True)
class UniPerceiverProcessor:
    """Encodes rows and batches, see `core.Processor`.

    A row of several tasks yields one of them in training, drawn each time, and all of them in evaluation.

    Args:
        images: reads images; None: no task has any.
        text_inputs: encodes texts.
    """

    images: ImageInputs | None
    text_inputs: TextInputs

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """Encodes one row. Without `rng` a missing annotation is no error until `collate` keeps annotations."""
        if rng is not None and len(tasks) > 1:
            tasks = [tasks[int(rng.integers(len(tasks)))]]
        if (side := _side(example, tasks)) is not None and rng is None:
            return self._side(example, side)
        images = None if self.images is None else self.images.read(example, tasks, rng)
        return Row(example.id, images, tuple(self._entry(example, task, images, rng) for task in tasks))

    def _side(self, example: Example, task: Task) -> Row:
        if not example.images:
            return Row(example.id, None, (), tuple(self.text_inputs.encode_target(task.prompt_for(example))))
        assert self.images is not None  # a Match has images
        return Row(example.id, self.images.read(example, [task], None), ())

    def _entry(self, example: Example, task: Task, images: ImageRow | None, rng: np.random.Generator | None) -> Entry:
        known, annotation = _annotation(example, task, evaluation=rng is None)
        match task.target:
            case Match():
                if example.candidates:
                    return self._candidates(example, task, images, known, annotation)
                return self._pair(example, task, known, annotation, rng)
            case Masked():
                return self._masked(example, task, known, annotation, rng)
            case Label() | Answer() | Text():
                return self._answer(example, task, known, annotation, rng)
            case other:
                raise UnsupportedTask(
                    f"task {task.name!r}: got {type(other).__name__}; want a target that Uni-Perceiver answers"
                )

    def _answer(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        """Encodes an input with its answer: one of the task's names, or a text to generate."""
        generated = is_generated(task)
        texts: tuple[tuple[int, ...], ...] = ()
        if "text" in task.inputs:
            limit = self.text_inputs.max_tokens - self.text_inputs.max_generated if generated else None
            sentences = sentences_of(example, task)
            texts = (tuple(self.text_inputs.encode_inputs(sentences, answer_token=not generated, max_tokens=limit)),)
        value: dict[str, np.ndarray] = {}
        match task.target:
            case Label(names):
                value["label"] = np.array(class_index(task, annotation, example.id, len(names)) if known else -1)
            case Answer(names) if names:
                found = parse_answers(task, annotation, example.id) if known else ()
                value["answers"] = soft_answer_targets(found, names).numpy()
            case _:
                text = target_text(task, annotation, example.id, rng) if known else None
                text_ids = None if text is None else tuple(self.text_inputs.encode_generated(text))
                return Entry(task.name, texts, value, text_ids, known, annotation)
        return Entry(task.name, texts, value, None, known, annotation)

    def _masked(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        text = _text_to_mask(example, task, rng)
        own = rng_for("hidden", example.id) if rng is None else rng
        ids, masked_ids = self.text_inputs.mask(text, own, at_least_one=rng is None)
        return Entry(task.name, (tuple(ids),), {"masked_ids": np.array(masked_ids)}, None, known, annotation)

    def _candidates(self, example: Example, task: Task, images: ImageRow | None, known: bool, annotation: Any) -> Entry:
        different, pairs = parse_pairs(task, example)
        text_index, image_index = np.array(pairs).T
        correct = (
            matching_candidates(task, annotation, example.id, len(pairs)) if known else np.zeros(len(pairs), dtype=bool)
        )
        value = {
            "text_index": text_index,
            "image_index": image_index,
            "correct": correct,
            "real": np.ones(len(pairs), dtype=bool),
        }
        names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
        texts = tuple(tuple(self.text_inputs.encode_target(text)) for text in different)
        more = None if images is None or images.video or not image_index.any() else images.values[1:]
        return Entry(task.name, texts, value, None, known, annotation, names, more)

    def _pair(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        """Encodes an image with one of its texts, a pair that is compared with the others of the batch."""
        if len(example.images) != 1 and "video" not in task.inputs:
            raise DataError(
                f"{example.id}: images: got {len(example.images)}; want exactly one, for task {task.name!r}"
            )
        texts = [task.prompt.format(text=text) for text in parse_texts(task, annotation, example.id)]
        chosen = texts[0 if rng is None else int(rng.integers(len(texts)))]
        image = example.image_ids[0] if example.image_ids else example.id
        value = {
            "image_key": np.array(_key(image)),
            "text_key": np.array(_key(chosen)),
            "caption_keys": np.array([_key(text) for text in texts]),
        }
        return Entry(task.name, (tuple(self.text_inputs.encode_target(chosen)),), value, None, known, annotation)

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Makes rows a batch; for images see `ImageInputs.collate`.

        A target's value has ``ids`` (r, s, t) of texts, with PAD as padding, where its task has text inputs, and:

        - ``label`` (r,) or ``answers`` (r, k), for tasks with names;
        - ``text_ids`` (r, t), with PAD as padding, for texts to generate;
        - ``masked_ids`` (r, t), the original ids of masked tokens, else -1;
        - ``text_index``, ``image_index``, ``correct`` and ``real`` (r, c), for candidates: ``real`` is False on
          padding; their ``names``; ``more_images``, those behind the first;
        - ``image_key``, ``text_key`` (r,) and ``caption_keys`` (r, o), for pairs: equal keys are equal contents.

        Rows that are one side of pairs have no target: their ``ids`` (b, t) are inputs.

        Raises:
            DataError: annotations are kept, and a row has none.
        """
        found: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.known:
                    raise DataError(f"{row.id}: task {entry.task!r}: got no annotation; want one in Example.labels")
                found.setdefault(entry.task, []).append((index, entry))
        targets = {name: _target(entries, keep_annotations) for name, entries in found.items()}
        inputs = {} if self.images is None else self.images.collate([row.images for row in rows])
        sides = [row.text for row in rows if row.text is not None]
        if sides:
            inputs |= {"ids": padded(sides)}
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self._images().transform.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self._images().transform.view_changes(index)

    def view_key(self) -> str:
        return self._images().view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=None if self.images is None else replace(self.images, store=store))

    def _images(self) -> ImageInputs:
        if self.images is None:
            raise ConfigError("Uni-Perceiver: got no task with images; want one, for views of images")
        return self.images


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """Returns a row's sentence, or its pair of sentences; the task's prompt is formatted with the first one."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)


def _side(example: Example, tasks: Sequence[Task]) -> Task | None:
    """Returns the task of a row that is one side of the pairs of a split: without candidates and annotation."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task if task.label not in example.labels else None
    return None


def _annotation(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Returns true and a row's annotation, or false and None; rows with candidates have theirs under "match"."""
    split = isinstance(task.target, Match) and task.target.pool == "split" and bool(example.candidates)
    label = "match" if split else task.label
    if label in example.labels:
        annotation = example.labels[label]
        if annotation is None:
            raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {label!r}")
        return True, annotation
    if evaluation:
        return False, None
    return True, replace(task, label=label).annotation_of(example)


def _text_to_mask(example: Example, task: Task, rng: np.random.Generator | None) -> str:
    """Returns the text whose words are masked: the annotation, or a random one of several, else the row's."""
    annotation = example.labels.get(task.label)
    if isinstance(annotation, str):
        return task.prompt.format(text=annotation)
    if isinstance(annotation, tuple | list) and annotation and all(isinstance(text, str) for text in annotation):
        return task.prompt.format(text=annotation[0 if rng is None else int(rng.integers(len(annotation)))])
    return task.prompt_for(example)


def _key(text: str) -> int:
    """Returns 63 bits of a hash, for texts and image ids that are compared across a batch."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


def _target(entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
    found = [entry for _, entry in entries]
    value: dict[str, Any] = {}
    if any(entry.texts for entry in found):
        value |= stacked_texts([entry.texts for entry in found])
    if any(entry.text_ids is not None for entry in found):
        value["text_ids"] = padded([entry.text_ids or () for entry in found])
    for name in found[0].value:
        arrays = [entry.value[name] for entry in found]
        masked = name == "masked_ids"
        value[name] = padded_masked_ids(arrays, value["ids"].shape[2]) if masked else _padded_arrays(arrays)
    if any(entry.names for entry in found):
        value["names"] = tuple(entry.names for entry in found)
    if any(entry.more_images is not None for entry in found):
        value["more_images"] = _more_images(found)
    annotation = tuple(entry.annotation for entry in found) if keep_annotations else ()
    return Target(torch.tensor([index for index, _ in entries]), value, annotation)


def _padded_arrays(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stacks the arrays of rows, padded with zeros where they differ in length; "real" is then False there."""
    if arrays[0].ndim and len({len(array) for array in arrays}) > 1:
        most = max(map(len, arrays))
        arrays = [np.pad(a, [(0, most - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays]
    return torch.from_numpy(np.stack(arrays))


def _more_images(entries: Sequence[Entry]) -> Tensor:
    present = [entry.more_images for entry in entries if entry.more_images is not None]
    blank = np.zeros((max(map(len, present)), *present[0].shape[1:]), dtype=present[0].dtype)
    rows = []
    for entry in entries:
        row = blank.copy()
        if entry.more_images is not None:
            row[: len(entry.more_images)] = entry.more_images
        rows.append(row)
    return torch.from_numpy(np.stack(rows))
