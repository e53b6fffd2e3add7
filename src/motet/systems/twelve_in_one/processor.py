"""How 12-in-1 sees an Example: pictures as regions, words, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from motet.core import (
    Answer,
    Batch,
    DataError,
    Example,
    FeatureStore,
    ImageFile,
    Label,
    Masked,
    Match,
    Region,
    Target,
    Task,
    rng_for,
)
from motet.core.task import Invariance
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, matching_candidates, parse_answers, parse_pairs
from motet.systems.twelve_in_one.image_inputs import ImageInputs, ImageRow
from motet.systems.twelve_in_one.options import Referring, RegionMasking
from motet.systems.twelve_in_one.regions import overlaps_px
from motet.systems.twelve_in_one.targets import candidate_boxes, one_box
from motet.systems.twelve_in_one.text_inputs import TextInputs, TextRow, padded


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        texts: one, or the different texts of its candidates.
        value: the truth and what belongs to it, as arrays; those of the row's own length are filled up in a batch.
        known: whether there is an annotation.
        truth: raw, for metrics.
        names: of the candidates, where they are texts or pictures.
    """

    task: str
    texts: tuple[TextRow, ...]
    value: Mapping[str, np.ndarray]
    known: bool
    annotation: Any = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        pictures: none where it is a text alone.
        entries: one a task; none where it is one side of a pair of a whole split.
        text: of such a side.
    """

    id: str
    images: tuple[ImageRow, ...]
    entries: tuple[Entry, ...]
    text: TextRow | None = None


@dataclass(frozen=True)
class TwelveInOneProcessor:
    """See `core.Processor`.

    A row of several tasks gives one of them in training, drawn each time, and all of them in evaluation. Tasks of
    pre-training (`Masked` ones, and `Hiding.alignment`) count as one: they are given together, with the same words and
    regions hidden.

    Args:
        pictures: how they are read.
        reader: how texts are.
        pairs: tasks on two pictures.
        referring: how places are learned.
        hiding: what is hidden.
        num_draws: regions of a picture at most.
    """

    images: ImageInputs
    reader: TextInputs
    pairs: frozenset[str] = frozenset()
    referring: Referring = field(default_factory=Referring)
    hiding: RegionMasking = field(default_factory=RegionMasking)
    num_draws: int = 100

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """One row. Without `rng` a missing annotation is no error yet: `collate` asks for it if truths are kept."""
        if (side := _side(example, tasks)) is not None:
            if rng is not None:
                raise DataError(f"{example.id}: task {side.name!r}: candidates: got none; want some in training")
            text = None if example.images else self.reader.read(side.prompt_for(example), side)
            return Row(example.id, self.images.read(example, tasks, rng), (), text)
        tasks = self._chosen(tasks, rng)
        for task in tasks:
            self._count_images(example, task)
        images = self.images.read(example, tasks, rng)
        hiding = self._of_hiding(tasks)
        entries = {entry.task: entry for entry in self._hiding(example, hiding, rng)} if hiding else {}
        found = tuple(entries[t.name] if t.name in entries else self._entry(example, t, rng) for t in tasks)
        return Row(example.id, images, found)

    def _of_hiding(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks of pre-training; alignment is one only beside others, else it sees all."""
        masked = [task for task in tasks if isinstance(task.target, Masked)]
        return [*masked, *(task for task in tasks if task.name == self.hiding.alignment)] if masked else []

    def _chosen(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        if rng is None or len(tasks) == 1:
            return tasks
        hiding = self._of_hiding(tasks)
        units = [[task] for task in tasks if task not in hiding] + ([hiding] if hiding else [])
        return units[int(rng.integers(len(units)))]

    def _count_images(self, example: Example, task: Task) -> None:
        number = len(example.images)
        if task.name in self.pairs:
            if number != 2:
                raise DataError(f"{example.id}: images: got {number}; want exactly two, for task {task.name!r}")
        elif number != 1 and not (number and isinstance(task.target, Match) and task.target.among != "regions"):
            raise DataError(f"{example.id}: images: got {number}; want exactly one, for task {task.name!r}")

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> Entry:
        known, annotation = _annotation(example, task, evaluation=rng is None)
        value: dict[str, np.ndarray] = {}
        texts: tuple[TextRow, ...]
        names: tuple[str, ...] = ()
        match task.target:
            case Match("regions"):
                texts = (self.reader.read(task.prompt_for(example), task),)
                value = self._candidates(example, task, annotation)
            case Match():
                words, pairs = parse_pairs(task, example)
                texts = tuple(self.reader.read(text, task) for text in words)
                names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
                right = np.zeros(len(pairs), dtype=bool)
                if annotation is not None:
                    right = matching_candidates(task, annotation, example.id, len(pairs))
                text_of, image_of = np.array(pairs).T
                value = {"text": text_of, "picture": image_of, "right": right, "real": np.ones(len(pairs), bool)}
            case _:
                texts = (self.reader.read(task.prompt_for(example), task),)
                value = self._simple(example, task, annotation, training=rng is not None)
        return Entry(task.name, texts, value, known, annotation, names)

    def _simple(self, example: Example, task: Task, annotation: Any, *, training: bool) -> dict[str, np.ndarray]:
        match task.target:
            case Label(names):
                return {
                    "label": np.array(
                        -1 if annotation is None else class_index(task, annotation, example.id, len(names))
                    )
                }
            case Answer(names):
                if annotation is None:
                    return {"answers": np.zeros(len(names), dtype=np.float32)}
                return {"answers": soft_answer_targets(parse_answers(task, annotation, example.id), names).numpy()}
            case _:
                return self._place(example, task, annotation, training=training)

    def _place(self, example: Example, task: Task, annotation: Any, *, training: bool) -> dict[str, np.ndarray]:
        """A referring expression's box, and in training perhaps boxes that stand among the regions."""
        box = one_box(task, annotation, example.id)
        value = {"box": np.zeros(4, np.float32) if box is None else box, "meant": np.array(box is not None)}
        if training and self.referring.add_ground_truth:
            known = candidate_boxes(task, example) if example.candidates else None
            boxes = known if known is not None else np.zeros((0, 4), np.float32) if box is None else box[None]
            value |= self._given(example, boxes)
        return value

    def _candidates(self, example: Example, task: Task, annotation: Any) -> dict[str, np.ndarray]:
        """The boxes that are pointed at, and how far each overlaps a right one."""
        boxes = candidate_boxes(task, example)
        wanted = np.zeros(len(boxes), dtype=np.float32)
        right = np.zeros(len(boxes), dtype=bool)
        if annotation is not None:
            right = matching_candidates(task, annotation, example.id, len(boxes))
        if right.any():
            found = torch.from_numpy(boxes)
            most = overlaps_px(found, found[torch.from_numpy(right)], self.referring.border_px).amax(-1)
            wanted = torch.where(most < self.referring.threshold, 0.0, most).numpy()
        return self._given(example, boxes) | {"wanted": wanted}

    def _given(self, example: Example, boxes: np.ndarray) -> dict[str, np.ndarray]:
        features = self.images.at(example, boxes) if len(boxes) else None
        width = 0 if self.images.source is None else self.images.source.width
        value = {"given": boxes, "real": np.ones(len(boxes), dtype=bool)}
        if self.images.source is not None:
            value["given_features"] = np.zeros((0, width), np.float32) if features is None else features
        return value

    def _hiding(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> list[Entry]:
        """Entries of pre-training, all with the same words and regions hidden; in evaluation alignment sees all."""
        own = rng_for("hidden", example.id) if rng is None else rng
        evaluation = rng is None
        masked = [task for task in tasks if isinstance(task.target, Masked)]
        words = next((task for task in masked if task.target == Masked("words")), None)
        text = self.reader.read(_caption(example, words or masked[0], own, evaluation=evaluation), words or masked[0])
        if words is not None:
            least = self.hiding.at_least_one and evaluation
            text = self.reader.hide(text, self.hiding.words, own, at_least_one=least)
        draws = own.random(self.num_draws).astype(np.float32)
        if len(masked) == 1 and words is not None:
            draws = np.ones_like(draws)  # no region is asked for
        aligned = [task for task in tasks if isinstance(task.target, Label)]
        belongs = all(_annotation(example, task, evaluation=evaluation)[1] in (None, 0) for task in aligned)
        shared = {"draws": draws, "learned": np.array(belongs or self.hiding.mismatched == "learned")}
        entries = []
        for task in tasks:
            known, annotation = _annotation(example, task, evaluation=evaluation)
            if isinstance(task.target, Masked):
                entries.append(Entry(task.name, (text,), shared, known, annotation))
            elif not evaluation:
                value = self._simple(example, task, annotation, training=True)
                entries.append(Entry(task.name, (text,), shared | value, known, annotation))
        return entries

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Rows to a batch; of inputs see `Pictures.collate`.

        A target's value holds ``ids``, ``types`` and ``read`` (r, s, t), the last True on pieces of the s texts; and,
        with the kind of answer:

        - ``label`` (r,), or ``answers`` (r, k);
        - ``text``, ``picture``, ``right`` and ``real`` (r, c): of each candidate its text and picture, whether it is
          right, and whether it is one; ``names``, what they are called;
        - ``box`` (r, 4) in pixels of the file and ``meant`` (r,), of a referring expression;
        - ``given`` (r, e, 4) in pixels of the file, ``real`` (r, e), ``given_features`` (r, e, f) from a source, of
          boxes behind the regions; ``wanted`` (r, e), how far each overlaps a right one, where they are candidates;
        - ``told`` (r, s, t), hidden pieces or -1, ``draws`` (r, n) and ``learned`` (r,), in pre-training.

        Rows that are one side of pairs have no target: ``ids``, ``types`` and ``read`` are inputs.

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
        inputs = self.images.collate([row.images for row in rows]) if any(row.images for row in rows) else {}
        texts = [(row.text,) for row in rows if row.text is not None]
        if texts:
            inputs |= padded(texts, self.reader.sentences.pad)
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def _target(self, entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
        value: dict[str, Any] = dict(_stacked([entry.value for _, entry in entries]))
        value |= padded([entry.texts for _, entry in entries], self.reader.sentences.pad)
        names = tuple(entry.names for _, entry in entries)
        given = {"names": names} if any(names) else {}
        annotation = tuple(entry.annotation for _, entry in entries) if keep_annotations else ()
        return Target(torch.tensor([index for index, _ in entries]), value | given, annotation)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self.images.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self.images.view_changes(index)

    def view_key(self) -> str:
        return self.images.view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=self.images.with_store(store))


def _side(example: Example, tasks: Sequence[Task]) -> Task | None:
    """The task of a row that is one side of pairs of a whole split: a text alone, or a picture without candidates."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task
    return None


def _annotation(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Whether a row has an annotation, and it; rows of a split's `Match` that bring candidates say which are right."""
    label = "match" if isinstance(task.target, Match) and task.target.pool == "split" else task.label
    if label in example.labels:
        annotation = example.labels[label]
        if annotation is None and not isinstance(task.target, Region):
            raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {label!r}")
        return True, annotation
    if evaluation:
        return False, None
    return True, replace(task, label=label).annotation_of(example)


def _caption(example: Example, task: Task, rng: np.random.Generator, *, evaluation: bool) -> str:
    """The text whose words are hidden: the truth where it is a text, one of several in training; else the row's."""
    annotation = example.labels.get(task.label)
    if isinstance(annotation, str):
        return task.prompt.format(text=annotation)
    if isinstance(annotation, tuple | list) and annotation and all(isinstance(text, str) for text in annotation):
        return task.prompt.format(text=annotation[0 if evaluation else int(rng.integers(len(annotation)))])
    return task.prompt_for(example)


def _stacked(found: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Tensor]:
    """Arrays of rows as tensors, filled up with zeros where they differ in length."""
    value: dict[str, Tensor] = {}
    for name, first in found[0].items():
        arrays = [row[name] for row in found]
        if first.ndim and len({len(array) for array in arrays}) > 1:
            most = max(len(array) for array in arrays)
            arrays = [np.pad(a, [(0, most - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays]
        value[name] = torch.from_numpy(np.stack(arrays))
    return value
