"""How Uni-Perceiver sees an Example: pictures or frames, texts as pieces, and one task's truth."""

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
from motet.systems.uni_perceiver.targets import is_said, said_of
from motet.systems.uni_perceiver.text_inputs import TextInputs, padded, stacked_texts, told_places


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        texts: as pieces: what is asked, or the different texts of candidates; none where no text is read.
        value: the truth and what belongs to it, as arrays.
        said: the text that is to be said, as pieces; None where none is, or it is not known.
        known: whether there is an annotation.
        truth: raw, for metrics.
        names: of candidates.
        others: the pictures behind the first, where candidates are of several.
    """

    task: str
    texts: tuple[tuple[int, ...], ...]
    value: Mapping[str, np.ndarray]
    said: tuple[int, ...] | None
    known: bool
    annotation: Any = None
    names: tuple[str, ...] = ()
    others: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        seen: pictures or frames; None when no task looks at any.
        entries: one a task; none where it is one side of the pairs of a whole split.
        text: of such a side.
    """

    id: str
    seen: ImageRow | None
    entries: tuple[Entry, ...]
    text: tuple[int, ...] | None = None


@dataclass(frozen=True)
class UniPerceiverProcessor:
    """See `core.Processor`.

    A row of several tasks gives one of them in training, drawn each time, and all of them in evaluation.

    Args:
        pictures: how they are read; None where no task sees any.
        reader: how texts are.
    """

    images: ImageInputs | None
    reader: TextInputs

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """One row. Without `rng` a missing annotation is no error yet: `collate` asks for it if truths are kept."""
        if rng is not None and len(tasks) > 1:
            tasks = [tasks[int(rng.integers(len(tasks)))]]
        if (side := _side(example, tasks)) is not None and rng is None:
            return self._side(example, side)
        seen = None if self.images is None else self.images.read(example, tasks, rng)
        return Row(example.id, seen, tuple(self._entry(example, task, seen, rng) for task in tasks))

    def _side(self, example: Example, task: Task) -> Row:
        if not example.images:
            return Row(example.id, None, (), tuple(self.reader.target(task.prompt_for(example))))
        assert self.images is not None  # a task that is matched sees pictures
        return Row(example.id, self.images.read(example, [task], None), ())

    def _entry(self, example: Example, task: Task, seen: ImageRow | None, rng: np.random.Generator | None) -> Entry:
        known, annotation = _annotation(example, task, evaluation=rng is None)
        match task.target:
            case Match():
                if example.candidates:
                    return self._candidates(example, task, seen, known, annotation)
                return self._pair(example, task, known, annotation, rng)
            case Masked():
                return self._hidden(example, task, known, annotation, rng)
            case Label() | Answer() | Text():
                return self._asked(example, task, known, annotation, rng)
            case other:
                raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want one that was checked")

    def _asked(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        """A question with its answer: one of some names, or a text that is said."""
        said = is_said(task)
        room = self.reader.max_tokens - self.reader.max_said if said else None
        texts: tuple[tuple[int, ...], ...] = ()
        if "text" in task.inputs:
            texts = (tuple(self.reader.read(sentences_of(example, task), ask=not said, room=room)),)
        value: dict[str, np.ndarray] = {}
        match task.target:
            case Label(names):
                value["label"] = np.array(class_index(task, annotation, example.id, len(names)) if known else -1)
            case Answer(names) if names:
                given = parse_answers(task, annotation, example.id) if known else ()
                value["answers"] = soft_answer_targets(given, names).numpy()
            case _:
                pieces = self.reader.said(said_of(task, annotation, example.id, rng)) if known else None
                return Entry(task.name, texts, value, None if pieces is None else tuple(pieces), known, annotation)
        return Entry(task.name, texts, value, None, known, annotation)

    def _hidden(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        text = _whole_text(example, task, rng)
        own = rng_for("hidden", example.id) if rng is None else rng
        pieces, told = self.reader.hide(text, own, at_least_one=rng is None)
        return Entry(task.name, (tuple(pieces),), {"told": np.array(told)}, None, known, annotation)

    def _candidates(self, example: Example, task: Task, seen: ImageRow | None, known: bool, annotation: Any) -> Entry:
        words, pairs = parse_pairs(task, example)
        text_of, image_of = np.array(pairs).T
        right = (
            matching_candidates(task, annotation, example.id, len(pairs)) if known else np.zeros(len(pairs), dtype=bool)
        )
        value = {"text": text_of, "picture": image_of, "right": right, "real": np.ones(len(pairs), dtype=bool)}
        names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
        texts = tuple(tuple(self.reader.target(text)) for text in words)
        others = None if seen is None or seen.video or not image_of.any() else seen.values[1:]
        return Entry(task.name, texts, value, None, known, annotation, names, others)

    def _pair(
        self, example: Example, task: Task, known: bool, annotation: Any, rng: np.random.Generator | None
    ) -> Entry:
        """A picture with one of its texts, to be told from the other pairs of the batch."""
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
            "own_keys": np.array([_key(text) for text in texts]),
        }
        return Entry(task.name, (tuple(self.reader.target(chosen)),), value, None, known, annotation)

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Rows to a batch; of pictures see `Pictures.collate`.

        A target's value holds, where its task reads texts, ``ids`` (r, s, t), PAD on what fills up; and:

        - ``label`` (r,), or ``answers`` (r, k);
        - ``said`` (r, t), PAD on what fills up, where texts are said;
        - ``told`` (r, t), hidden pieces or -1;
        - ``text``, ``picture``, ``right`` and ``real`` (r, c): of each candidate its text and picture, whether it is
          right, and whether it is one; ``names``, what they are called; ``others``, pictures behind the first;
        - ``image_key``, ``text_key`` (r,) and ``own_keys`` (r, o): of pairs, by which others are known to fit too.

        Rows that are one side of pairs have no target: ``ids`` (b, t) are inputs.

        Raises:
            DataError: a row whose truth is to be kept has none.
        """
        found: dict[str, list[tuple[int, Entry]]] = {}
        for index, row in enumerate(rows):
            for entry in row.entries:
                if keep_annotations and not entry.known:
                    raise DataError(f"{row.id}: task {entry.task!r}: got no annotation; want one")
                found.setdefault(entry.task, []).append((index, entry))
        targets = {name: _target(entries, keep_annotations) for name, entries in found.items()}
        inputs = {} if self.images is None else self.images.collate([row.seen for row in rows])
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
            raise ConfigError("Uni-Perceiver: got no task that sees an image; want one, for views of images")
        return self.images


def sentences_of(example: Example, task: Task) -> tuple[str, ...]:
    """A row's one sentence, or its pair; the task's prompt is put around the first one."""
    if isinstance(example.text, tuple) and len(example.text) == 2:
        return task.prompt.format(text=example.text[0]), example.text[1]
    return (task.prompt_for(example),)


def _side(example: Example, tasks: Sequence[Task]) -> Task | None:
    """The task of a row that is one side of the pairs of a whole split: it has neither candidates nor an annotation."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task if task.label not in example.labels else None
    return None


def _annotation(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Whether a row has an annotation, and it; rows of a split's `Match` that bring candidates say which are right."""
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


def _whole_text(example: Example, task: Task, rng: np.random.Generator | None) -> str:
    """The text whose words are hidden: the truth where it is a text, one of several in training; else the row's."""
    annotation = example.labels.get(task.label)
    if isinstance(annotation, str):
        return task.prompt.format(text=annotation)
    if isinstance(annotation, tuple | list) and annotation and all(isinstance(text, str) for text in annotation):
        return task.prompt.format(text=annotation[0 if rng is None else int(rng.integers(len(annotation)))])
    return task.prompt_for(example)


def _key(text: str) -> int:
    """63 bits by content, for texts and pictures that are compared across a batch."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


def _target(entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
    found = [entry for _, entry in entries]
    value: dict[str, Any] = {}
    if any(entry.texts for entry in found):
        value |= stacked_texts([entry.texts for entry in found])
    if any(entry.said is not None for entry in found):
        value["said"] = padded([entry.said or () for entry in found])
    for name in found[0].value:
        arrays = [entry.value[name] for entry in found]
        value[name] = (
            told_places([e.value for e in found], value["ids"].shape[2]) if name == "told" else _filled(arrays)
        )
    if any(entry.names for entry in found):
        value["names"] = tuple(entry.names for entry in found)
    if any(entry.others is not None for entry in found):
        value["others"] = _others(found)
    annotation = tuple(entry.annotation for entry in found) if keep_annotations else ()
    return Target(torch.tensor([index for index, _ in entries]), value, annotation)


def _filled(arrays: Sequence[np.ndarray]) -> Tensor:
    """Arrays of rows as one, filled up with zeros where they differ in length; what is real says their "real"."""
    if arrays[0].ndim and len({len(array) for array in arrays}) > 1:
        most = max(map(len, arrays))
        arrays = [np.pad(a, [(0, most - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays]
    return torch.from_numpy(np.stack(arrays))


def _others(found: Sequence[Entry]) -> Tensor:
    shown = [entry.others for entry in found if entry.others is not None]
    blank = np.zeros((max(map(len, shown)), *shown[0].shape[1:]), dtype=shown[0].dtype)
    whole = []
    for entry in found:
        own = blank.copy()
        if entry.others is not None:
            own[: len(entry.others)] = entry.others
        whole.append(own)
    return torch.from_numpy(np.stack(whole))
