"""Checks of a source before training: reads every row, every image and every annotation once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from motet.core import BoxSet, DataError, Example, ImageFile, Task
from motet.core.panoptic import PanopticMap
from motet.core.target import Answer, Boxes, Dense, Label, Masked, Match, Panoptic, Region, Score, TargetSpec, Text
from motet.data.clipped_boxes import ClippedBoxes
from motet.data.map_values import map_error
from motet.data.source import Source


@dataclass(frozen=True)
class Problem:
    """A row that would stop a training run.

    Args:
        source: name of the source.
        row: index of the row in the reader.
        text: the error, in one sentence.
    """

    source: str
    row: int
    text: str


def problems(
    source: Source,
    *,
    decode: Callable[[ImageFile], object] | None = None,
    clipped: ClippedBoxes | None = None,
) -> Iterator[Problem | None]:
    """Reads every row of a source and yields the problem of each, or None for a row without one.

    Args:
        source: its reader and tasks.
        decode: decodes an image and raises DataError on a broken one; None does not read the images.
        clipped: counts the boxes that the reader cut or dropped; they are no problem of their rows.
    """
    decoded: set[str] = set()
    for row in range(len(source.reader)):
        try:
            example = source.reader[row]
            _check_annotations(example, source.tasks)
            if clipped is not None:
                for annotation in example.labels.values():
                    clipped.add(annotation)
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
        error = annotation_error(task.annotation_of(example), task.target)
        if error:
            raise DataError(f"{example.id}: task {task.name!r}: {error}")


def annotation_error(annotation: Any, target: TargetSpec) -> str | None:
    """Returns the error of an annotation that a target cannot encode, in one sentence; None when it fits.

    Examples:
        >>> annotation_error(3, Label(("cat", "dog")))
        'got class 3; want 0 to 1'
        >>> annotation_error((" ",), Text(20))
        "got (' ',); want at least one text that is not empty"
    """
    match target:
        case Label(names=names):
            return _class_error(annotation, len(names))
        case Answer() | Text():
            return _texts_error(annotation)
        case Boxes(names=names, attributes=attributes):
            return _boxes_error(annotation, len(names)) or _attributes_error(annotation, len(attributes))
        case Region():
            return None if annotation is None else _box_error(np.asarray(annotation, dtype=float).reshape(-1))
        case Dense():
            return map_error(annotation, target)
        case Panoptic(names=names):
            return _panoptic_error(annotation, len(names))
        case Match():
            ok = isinstance(annotation, set | frozenset | tuple | list) and len(annotation) > 0
            return None if ok else f"got {annotation!r}; want at least one right candidate"
        case Masked():
            return None
        case Score(low=low, high=high):
            ok = isinstance(annotation, int | float) and low <= annotation <= high
            return None if ok else f"got {annotation!r}; want a number from {low} to {high}"
    assert_never(target)


def _panoptic_error(annotation: Any, count: int) -> str | None:
    if not isinstance(annotation, PanopticMap):
        return f"got a {type(annotation).__name__}; want a PanopticMap"
    if len(annotation.labels) and not 0 <= annotation.labels.min() <= annotation.labels.max() < count:
        return f"got classes {annotation.labels.min()} to {annotation.labels.max()}; want 0 to {count - 1}"
    return None


def _class_error(annotation: Any, count: int) -> str | None:
    if not isinstance(annotation, int | np.integer) or isinstance(annotation, bool):
        return f"got {annotation!r}; want the index of a class"
    return None if 0 <= annotation < count else f"got class {annotation}; want 0 to {count - 1}"


def _texts_error(annotation: Any) -> str | None:
    texts = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(texts, tuple | list) or not all(isinstance(text, str) for text in texts):
        return f"got {annotation!r}; want a text or a list of texts"
    return (
        None if any(text.strip() for text in texts) else f"got {annotation!r}; want at least one text that is not empty"
    )


def _boxes_error(annotation: Any, count: int) -> str | None:
    if not isinstance(annotation, BoxSet):
        return f"got a {type(annotation).__name__}; want boxes as a BoxSet"
    if len(annotation.labels) and not (int(annotation.labels.min()) >= 0 and int(annotation.labels.max()) < count):
        return f"got classes {sorted(set(annotation.labels.tolist()))}; want 0 to {count - 1}"
    return next((error for box in annotation.boxes_xyxy if (error := _box_error(box))), None)


def _attributes_error(annotation: BoxSet, count: int) -> str | None:
    """Returns the error of attributes without a name in the task; a task without attributes accepts any."""
    found = {index for attributes in annotation.attributes for index in attributes} if count else set()
    return None if found <= set(range(count)) else f"got attributes {sorted(found)}; want 0 to {count - 1}"


def _box_error(box: np.ndarray) -> str | None:
    if box.shape != (4,) or not np.isfinite(box).all():
        return f"got the box {box.tolist()}; want four finite numbers"
    x0, y0, x1, y1 = box
    return None if x0 <= x1 and y0 <= y1 else f"got the box {box.tolist()}; want x0 <= x1 and y0 <= y1"
