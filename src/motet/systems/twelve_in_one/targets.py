"""Targets of 12-in-1: the supported tasks, and annotations of boxes (section 3.2)."""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    DataError,
    Dense,
    Example,
    Label,
    Masked,
    Match,
    Region,
    Score,
    Task,
    Text,
    UnsupportedTask,
)
from motet.preprocess.regions import as_boxes

_ANSWERS = "Label, Answer with names, Region, Match and Masked"


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task whose target or inputs this system does not support."""
    match task.target:
        case Label() | Region() | Masked() | Match(pool="row") | Match("texts" | "images"):
            pass
        case Match():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 points at one of the regions of one image: got {task.target}; want "
                "pool='row'"
            )
        case Answer(names) if names:
            pass
        case Answer():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 chooses from a list of answers: got an Answer without names; want its "
                "names"
            )
        case Text() | Dense() | Boxes() | Score():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 answers {_ANSWERS}: got {type(task.target).__name__}; want one of "
                "those, or another system"
            )
        case other:
            assert_never(other)
    if not task.inputs <= {"image", "text", "regions"} or not task.inputs & {"image", "regions"}:
        raise UnsupportedTask(
            f"task {task.name!r}: 12-in-1 takes images or their regions, and text: got {sorted(task.inputs)}; want "
            "'image' or 'regions', with or without 'text'"
        )


def parse_box(task: Task, annotation: Any, row_id: str) -> np.ndarray | None:
    """Returns a box in pixels of the file, or None for a phrase that refers to nothing. Raises DataError on others."""
    if annotation is None:
        return None
    box = np.asarray(annotation, dtype=np.float32)
    if box.shape != (4,) or not np.isfinite(box).all():
        raise DataError(f"{row_id}: task {task.name!r}: box: got {annotation!r}; want four numbers, or None")
    return box


def parse_candidate_boxes(task: Task, example: Example) -> np.ndarray:
    """Returns the candidate boxes of a row. Raises DataError if they are not boxes."""
    try:
        boxes = as_boxes(example.candidates)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{example.id}: task {task.name!r}: candidates: got {example.candidates!r}; want boxes of four numbers"
        ) from error
    if not len(boxes) or not np.isfinite(boxes).all():
        raise DataError(f"{example.id}: task {task.name!r}: candidates: got {len(boxes)} boxes; want at least one")
    return boxes
