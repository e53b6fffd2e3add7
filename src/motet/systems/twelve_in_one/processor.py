"""Processor of 12-in-1: images, texts and annotation of an Example to rows and batches."""

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
from motet.systems.twelve_in_one.options import ReferringConfig, RegionMasking
from motet.systems.twelve_in_one.regions import iou_px
from motet.systems.twelve_in_one.targets import parse_box, parse_candidate_boxes
from motet.systems.twelve_in_one.text_inputs import TextInputs, TextRow, pad_texts


@dataclass(frozen=True)
class Entry:
    """One task's part of a row.

    Args:
        task: its name.
        texts: one, or the distinct texts of its candidates.
        value: the encoded target as arrays; arrays whose length depends on the row are padded in a batch.
        annotated: whether the row has an annotation for the task.
        annotation: raw, for metrics.
        names: of the candidates, if they are texts or images.
    """

    task: str
    texts: tuple[TextRow, ...]
    value: Mapping[str, np.ndarray]
    annotated: bool
    annotation: Any = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An Example, encoded.

    Args:
        id: the Example's.
        images: empty for a text alone.
        entries: one per task; empty for a text or image that is paired with a whole split.
        text: such a text.
    """

    id: str
    images: tuple[ImageRow, ...]
    entries: tuple[Entry, ...]
    text: TextRow | None = None


@dataclass(frozen=True)
class TwelveInOneProcessor:
    """The processor of 12-in-1; see `core.Processor`.

    In training a row of several tasks is encoded for one of them, drawn each time; in evaluation for all of them. Tasks
    of pre-training (`Masked` ones, and `RegionMasking.alignment_task`) count as one: they are encoded together, with
    the same masked words and regions.

    Args:
        images: reads and transforms images.
        text_inputs: tokenises texts.
        pairs: tasks on two images.
        referring: targets of regions.
        masking: of words and regions.
        max_regions: of an image.
    """

    images: ImageInputs
    text_inputs: TextInputs
    pairs: frozenset[str] = frozenset()
    referring: ReferringConfig = field(default_factory=ReferringConfig)
    masking: RegionMasking = field(default_factory=RegionMasking)
    max_regions: int = 100

    def row(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> Row:
        """Encodes a row. Without `rng` a missing annotation is no error: `collate` raises if annotations are kept."""
        if (split_task := _split_task(example, tasks)) is not None:
            if rng is not None:
                raise DataError(f"{example.id}: task {split_task.name!r}: candidates: got none; want some in training")
            text = None if example.images else self.text_inputs.encode(split_task.prompt_for(example), split_task)
            return Row(example.id, self.images.read(example, tasks, rng), (), text)
        tasks = self._draw_tasks(tasks, rng)
        for task in tasks:
            self._check_image_count(example, task)
        images = self.images.read(example, tasks, rng)
        together = self._masking_tasks(tasks)
        masked = {entry.task: entry for entry in self._masked_entries(example, together, rng)} if together else {}
        entries = (masked[t.name] if t.name in masked else self._entry(example, t, rng) for t in tasks)
        return Row(example.id, images, tuple(entries))

    def _masking_tasks(self, tasks: Sequence[Task]) -> list[Task]:
        """Returns the tasks of pre-training; alignment is one of them only beside others, else nothing is masked."""
        masked = [task for task in tasks if isinstance(task.target, Masked)]
        return [*masked, *(task for task in tasks if task.name == self.masking.alignment_task)] if masked else []

    def _draw_tasks(self, tasks: Sequence[Task], rng: np.random.Generator | None) -> Sequence[Task]:
        if rng is None or len(tasks) == 1:
            return tasks
        together = self._masking_tasks(tasks)
        units = [[task] for task in tasks if task not in together] + ([together] if together else [])
        return units[int(rng.integers(len(units)))]

    def _check_image_count(self, example: Example, task: Task) -> None:
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
                texts = (self.text_inputs.encode(task.prompt_for(example), task),)
                value = self._encode_candidates(example, task, annotation)
            case Match():
                words, pairs = parse_pairs(task, example)
                texts = tuple(self.text_inputs.encode(text, task) for text in words)
                names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
                is_match = np.zeros(len(pairs), dtype=bool)
                if annotation is not None:
                    is_match = matching_candidates(task, annotation, example.id, len(pairs))
                text_of, image_of = np.array(pairs).T
                valid = np.ones(len(pairs), dtype=bool)
                value = {"text": text_of, "image": image_of, "is_match": is_match, "valid": valid}
            case _:
                texts = (self.text_inputs.encode(task.prompt_for(example), task),)
                value = self._encode_annotation(example, task, annotation, training=rng is not None)
        return Entry(task.name, texts, value, known, annotation, names)

    def _encode_annotation(
        self, example: Example, task: Task, annotation: Any, *, training: bool
    ) -> dict[str, np.ndarray]:
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
                return self._encode_region(example, task, annotation, training=training)

    def _encode_region(self, example: Example, task: Task, annotation: Any, *, training: bool) -> dict[str, np.ndarray]:
        """Encodes the box of a referring expression, in training with the extra regions of `add_ground_truth`."""
        box = parse_box(task, annotation, example.id)
        value = {"box": np.zeros(4, np.float32) if box is None else box, "is_referred": np.array(box is not None)}
        if training and self.referring.add_ground_truth:
            known = parse_candidate_boxes(task, example) if example.candidates else None
            boxes = known if known is not None else np.zeros((0, 4), np.float32) if box is None else box[None]
            value |= self._extra_regions(example, boxes)
        return value

    def _encode_candidates(self, example: Example, task: Task, annotation: Any) -> dict[str, np.ndarray]:
        """Encodes the candidate boxes of pointing, and the IoU of each with a matching one."""
        boxes = parse_candidate_boxes(task, example)
        iou = np.zeros(len(boxes), dtype=np.float32)
        is_match = np.zeros(len(boxes), dtype=bool)
        if annotation is not None:
            is_match = matching_candidates(task, annotation, example.id, len(boxes))
        if is_match.any():
            candidates = torch.from_numpy(boxes)
            best = iou_px(candidates, candidates[torch.from_numpy(is_match)], self.referring.border_px).amax(-1)
            iou = torch.where(best < self.referring.threshold, 0.0, best).numpy()
        return self._extra_regions(example, boxes) | {"iou": iou}

    def _extra_regions(self, example: Example, boxes: np.ndarray) -> dict[str, np.ndarray]:
        features = self.images.features_at(example, boxes) if len(boxes) else None
        width = 0 if self.images.source is None else self.images.source.width
        value = {"extra_boxes": boxes, "valid": np.ones(len(boxes), dtype=bool)}
        if self.images.source is not None:
            value["extra_features"] = np.zeros((0, width), np.float32) if features is None else features
        return value

    def _masked_entries(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> list[Entry]:
        """Encodes the tasks of pre-training with the same masks; in evaluation alignment has no masks and no entry."""
        own = rng_for("hidden", example.id) if rng is None else rng
        evaluation = rng is None
        masked = [task for task in tasks if isinstance(task.target, Masked)]
        words = next((task for task in masked if task.target == Masked("words")), None)
        text = self.text_inputs.encode(
            _caption(example, words or masked[0], own, evaluation=evaluation), words or masked[0]
        )
        if words is not None:
            at_least_one = self.masking.at_least_one and evaluation
            text = self.text_inputs.mask_words(text, self.masking.word_probability, own, at_least_one=at_least_one)
        draws = own.random(self.max_regions).astype(np.float32)
        if len(masked) == 1 and words is not None:
            draws = np.ones_like(draws)  # no task on regions, so none is masked
        alignment = [task for task in tasks if isinstance(task.target, Label)]
        is_aligned = all(_annotation(example, task, evaluation=evaluation)[1] in (None, 0) for task in alignment)
        shared = {"draws": draws, "in_loss": np.array(is_aligned or self.masking.mismatched == "learned")}
        entries = []
        for task in tasks:
            known, annotation = _annotation(example, task, evaluation=evaluation)
            if isinstance(task.target, Masked):
                entries.append(Entry(task.name, (text,), shared, known, annotation))
            elif not evaluation:
                value = self._encode_annotation(example, task, annotation, training=True)
                entries.append(Entry(task.name, (text,), shared | value, known, annotation))
        return entries

    def collate(self, rows: Sequence[Row], *, keep_annotations: bool) -> Batch:
        """Collates rows to a batch; for its inputs see `ImageInputs.collate`.

        A target's value holds ``ids``, ``types`` and ``attention_mask`` (r, s, t), the last True on tokens of the s
        texts that are not padding; and, by kind of target:

        - ``label`` (r,), or ``answers`` (r, k);
        - for candidates ``text`` and ``image`` (r, c), the indices of their text and image, ``is_match`` and ``valid``
          (r, c), and ``names``;
        - for a referring expression ``box`` (r, 4) in pixels of the file, and ``is_referred`` (r,), False if it refers
          to nothing;
        - for boxes after the detected regions ``extra_boxes`` (r, e, 4) in pixels of the file, ``valid`` (r, e) and,
          from a source, ``extra_features`` (r, e, f); if they are candidates ``iou`` (r, e), the IoU with a match;
        - in pre-training ``masked_ids`` (r, s, t), the ids to predict or -1, ``draws`` (r, n), the random numbers of
          the regions' masks, and ``in_loss`` (r,).

        Rows that are paired with a whole split have no target: ``ids``, ``types`` and ``attention_mask`` are inputs.

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
        inputs = self.images.collate([row.images for row in rows]) if any(row.images for row in rows) else {}
        texts = [(row.text,) for row in rows if row.text is not None]
        if texts:
            inputs |= pad_texts(texts, self.text_inputs.sentences.pad)
        return Batch(tuple(row.id for row in rows), inputs, targets)

    def _target(self, entries: Sequence[tuple[int, Entry]], keep_annotations: bool) -> Target:
        value: dict[str, Any] = dict(_stack([entry.value for _, entry in entries]))
        value |= pad_texts([entry.texts for _, entry in entries], self.text_inputs.sentences.pad)
        names = tuple(entry.names for _, entry in entries)
        if any(names):
            value["names"] = names
        annotation = tuple(entry.annotation for _, entry in entries) if keep_annotations else ()
        return Target(torch.tensor([index for index, _ in entries]), value, annotation)

    def view(self, image: ImageFile, index: int) -> np.ndarray:
        return self.images.view(image, index)

    def view_changes(self, index: int) -> frozenset[Invariance]:
        return self.images.view_changes(index)

    def view_key(self) -> str:
        return self.images.view_key()

    def with_features(self, store: FeatureStore | None) -> Self:
        return replace(self, images=self.images.with_store(store))


def _split_task(example: Example, tasks: Sequence[Task]) -> Task | None:
    """Returns the task of a row that is paired with a whole split: a text alone, or an image without candidates."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task
    return None


def _annotation(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Returns whether a row has an annotation, and the annotation.

    For rows of a `Match` over a split that have candidates of their own, it is the matching candidates.
    """
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
    """Returns the text to mask: the annotation if it is a text, in training one of several; else the row's text."""
    annotation = example.labels.get(task.label)
    if isinstance(annotation, str):
        return task.prompt.format(text=annotation)
    if isinstance(annotation, tuple | list) and annotation and all(isinstance(text, str) for text in annotation):
        return task.prompt.format(text=annotation[0 if evaluation else int(rng.integers(len(annotation)))])
    return task.prompt_for(example)


def _stack(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Tensor]:
    """Stacks arrays of rows to tensors, padded with zeros if they differ in length."""
    value: dict[str, Tensor] = {}
    for name, first in rows[0].items():
        arrays = [row[name] for row in rows]
        if first.ndim and len({len(array) for array in arrays}) > 1:
            longest = max(len(array) for array in arrays)
            arrays = [np.pad(a, [(0, longest - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays]
        value[name] = torch.from_numpy(np.stack(arrays))
    return value
