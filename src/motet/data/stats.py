"""Statistics of a source: rows, images, frequencies of classes and answers, lengths of texts, boxes and maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from motet.core import BoxSet, DataError, Example, Task
from motet.core.target import Boxes, Dense, Label
from motet.data.clipped_boxes import ClippedBoxes
from motet.data.counts import Counts, count
from motet.data.map_values import MapTally
from motet.data.source import Source

_MOST_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class TaskStats:
    """The annotations of one task over the rows of a source.

    The fields are the keys of ``motet data stats --json``.

    Args:
        task: its name.
        rows: number of rows that have the annotation.
        different: number of different classes or texts; 0 for other annotations.
        most: the most frequent of them with their numbers of rows, at most five.
        mean_words: mean number of words per text.
        max_words: the largest number of words.
        mean_question_words: mean number of words per prompt; 0 without prompts.
        boxes: number of boxes per class, crowds too, the most frequent first; classes without boxes are left out.
        cut: number of boxes that were cut at the border of their image, by more than a pixel.
        dropped: number of boxes that were left out, since they have no area in their image.
        pixels: number of pixels of its maps.
        valid: the share of the pixels that have a value.
        lowest: the lowest value in maps of one number per pixel.
        highest: the highest value in them.
        classes: the share of the valid pixels per class, in maps of classes, the most frequent first.
    """

    task: str
    rows: int
    different: int = 0
    most: tuple[tuple[str, int], ...] = ()
    mean_words: float = 0.0
    max_words: int = 0
    mean_question_words: float = 0.0
    boxes: tuple[tuple[str, int], ...] = ()
    cut: int = 0
    dropped: int = 0
    pixels: int = 0
    valid: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    classes: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class SourceStats:
    """The statistics of one source.

    Args:
        source: its name.
        role: "train", "val" or "test".
        counts: rows, images and pairs.
        tasks: the statistics of each task.
        broken: number of rows that cannot be read, and are in no statistics of a task.
        first_error: the error of the first of them, in one line.
    """

    source: str
    role: str
    counts: Counts
    tasks: tuple[TaskStats, ...]
    broken: int = 0
    first_error: str = ""


@dataclass
class _Tally:
    rows: int = 0
    annotations: Counter[str] = field(default_factory=Counter)
    words: list[int] = field(default_factory=list)
    question_words: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    clipped: ClippedBoxes = field(default_factory=ClippedBoxes)
    maps: MapTally = field(default_factory=MapTally)

    def add(self, task: Task, example: Example) -> None:
        annotation = task.annotation_of(example)
        self.rows += 1
        self.question_words += len(task.prompt_for(example).split())
        if isinstance(task.target, Boxes):
            names = _box_names(task.target, annotation)
            self.boxes.update(names)
            self.clipped.add(annotation)
            self.annotations.update(set(names))
            return
        if isinstance(task.target, Dense):
            self.maps.add(annotation)
            return
        texts = _as_texts(task, annotation)
        self.annotations.update(set(texts[:1]) if isinstance(task.target, Label) else set(texts))
        self.words += [len(text.split()) for text in texts]

    def stats(self, task: Task) -> TaskStats:
        return TaskStats(
            task=task.name,
            rows=self.rows,
            different=len(self.annotations),
            most=tuple(sorted(self.annotations.items(), key=lambda item: (-item[1], item[0]))[:_MOST_LISTED]),
            mean_words=sum(self.words) / len(self.words) if self.words else 0.0,
            max_words=max(self.words, default=0),
            mean_question_words=self.question_words / self.rows if self.rows else 0.0,
            boxes=tuple(sorted(self.boxes.items(), key=lambda item: (-item[1], item[0]))),
            cut=self.clipped.cut,
            dropped=self.clipped.dropped,
            pixels=self.maps.pixels,
            valid=self.maps.valid / self.maps.pixels if self.maps.pixels else 0.0,
            lowest=self.maps.lowest if self.maps.valid else 0.0,
            highest=self.maps.highest if self.maps.valid else 0.0,
            classes=self.maps.shares(task.target.names) if isinstance(task.target, Dense) else (),
        )


def stats(source: Source) -> SourceStats:
    """Reads every row of a source and computes its statistics; decodes no image except maps that are annotations.

    Raises:
        DataError: a map that cannot be read. A row that cannot be read is counted.
    """
    tallies = {task.name: _Tally() for task in source.tasks}
    errors: list[str] = []
    for row in range(len(source.reader)):
        try:
            example = source.reader[row]
        except DataError as error:
            errors.append(str(error))
            continue
        for task in source.tasks:
            if task.label in example.labels:
                tallies[task.name].add(task, example)
    return SourceStats(
        source=source.name,
        role=source.role,
        counts=count(source.reader),
        tasks=tuple(tallies[task.name].stats(task) for task in source.tasks),
        broken=len(errors),
        first_error=next(iter(errors), ""),
    )


def _as_texts(task: Task, annotation: Any) -> Sequence[str]:
    """Returns the texts of an annotation: the name of a class, answers, captions; none for other annotations."""
    if isinstance(task.target, Label):
        return (
            [task.target.names[annotation]]
            if isinstance(annotation, int) and 0 <= annotation < len(task.target.names)
            else []
        )
    return [text for text in annotation if isinstance(text, str)] if isinstance(annotation, tuple | list) else []


def _box_names(target: Boxes, annotation: Any) -> Sequence[str]:
    """Returns the class name of each box; a box of an unknown class is left out, `motet data check` reports it."""
    labels = annotation.labels.tolist() if isinstance(annotation, BoxSet) else []
    return [target.names[label] for label in labels if 0 <= label < len(target.names)]
