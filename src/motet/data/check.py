"""Reading everything once before it is trained on: every row, every picture, every truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from motet.core import BoxSet, DataError, Example, ImageFile, Task
from motet.core.target import Answer, Boxes, Dense, Label, Masked, Match, Region, Score, TargetSpec, Text
from motet.data.map_values import map_misfit
from motet.data.source import Source


@dataclass(frozen=True)
class Problem:
    """A row that training would stop at.

    Args:
        source: its source.
        row: its place in the reader.
        text: what is wrong, in one sentence.
    """

    source: str
    row: int
    text: str


def problems(source: Source, *, decode: Callable[[ImageFile], object] | None = None) -> Iterator[Problem | None]:
    """Reads every row of a source; what is wrong with each, or None for a row that is well.

    Args:
        source: its reader and tasks.
        decode: reads a picture and raises DataError when it is broken; None leaves pictures unread.
    """
    decoded: set[str] = set()
    for row in range(len(source.reader)):
        try:
            example = source.reader[row]
            _check_annotations(example, source.tasks)
            if decode is not None:
                for key, image in zip(example.image_ids, example.images, strict=False):
                    if key not in decoded:
                        decode(image)
                        decoded.add(key)
        except DataError as error:
            yield Problem(source.name, row, str(error))
        else:
            yield None


def _check_annotations(example: Example, tasks: Sequence[Task]) -> None:
    for task in tasks:
        if task.label not in example.labels and len(tasks) > 1:
            continue  # a partly labelled row: some of its tasks only
        wrong = misfit(task.annotation_of(example), task.target)
        if wrong:
            raise DataError(f"{example.id}: task {task.name!r}: {wrong}")


def misfit(annotation: Any, target: TargetSpec) -> str | None:
    """What is wrong with a truth for this kind of answer, in one sentence; None when it fits.

    Examples:
        >>> misfit(3, Label(("cat", "dog")))
        'got class 3; want 0 to 1'
        >>> misfit((" ",), Text(20))
        "got (' ',); want at least one text that is not empty"
    """
    match target:
        case Label(names=names):
            return _class_misfit(annotation, len(names))
        case Answer() | Text():
            return _words_misfit(annotation)
        case Boxes(names=names, attributes=attributes):
            return _boxes_misfit(annotation, len(names)) or _attributes_misfit(annotation, len(attributes))
        case Region():
            return None if annotation is None else _box_misfit(np.asarray(annotation, dtype=float).reshape(-1))
        case Dense():
            return map_misfit(annotation, target)
        case Match():
            ok = isinstance(annotation, set | frozenset | tuple | list) and len(annotation) > 0
            return None if ok else f"got {annotation!r}; want at least one right candidate"
        case Masked():
            return None
        case Score(low=low, high=high):
            ok = isinstance(annotation, int | float) and low <= annotation <= high
            return None if ok else f"got {annotation!r}; want a number from {low} to {high}"
    assert_never(target)


def _class_misfit(annotation: Any, count: int) -> str | None:
    if not isinstance(annotation, int | np.integer) or isinstance(annotation, bool):
        return f"got {annotation!r}; want the index of a class"
    return None if 0 <= annotation < count else f"got class {annotation}; want 0 to {count - 1}"


def _words_misfit(annotation: Any) -> str | None:
    texts = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(texts, tuple | list) or not all(isinstance(text, str) for text in texts):
        return f"got {annotation!r}; want texts"
    return (
        None if any(text.strip() for text in texts) else f"got {annotation!r}; want at least one text that is not empty"
    )


def _boxes_misfit(annotation: Any, count: int) -> str | None:
    if not isinstance(annotation, BoxSet):
        return f"got a {type(annotation).__name__}; want boxes"
    if len(annotation.labels) and not (int(annotation.labels.min()) >= 0 and int(annotation.labels.max()) < count):
        return f"got classes {sorted(set(annotation.labels.tolist()))}; want 0 to {count - 1}"
    return next((wrong for box in annotation.boxes_xyxy if (wrong := _box_misfit(box))), None)


def _attributes_misfit(annotation: BoxSet, count: int) -> str | None:
    """Attributes that the task has no word for; a task without words asks for none."""
    found = {index for one in annotation.attributes for index in one} if count else set()
    return None if found <= set(range(count)) else f"got attributes {sorted(found)}; want 0 to {count - 1}"


def _box_misfit(box: np.ndarray) -> str | None:
    if box.shape != (4,) or not np.isfinite(box).all():
        return f"got the box {box.tolist()}; want four finite numbers"
    x0, y0, x1, y1 = box
    return None if x0 <= x1 and y0 <= y1 else f"got the box {box.tolist()}; want x0 <= x1 and y0 <= y1"
