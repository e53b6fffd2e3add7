"""The text that is the target of a row: a name, an answer, a sentence, boxes; and generated boxes as predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import Answer, Boxes, BoxSet, DataError, Label, Match, Region, Task, Text, UnsupportedTask
from motet.preprocess.annotations import class_index, matching_candidates, parse_texts
from motet.systems.base import check_target
from motet.systems.vlm.box_text import BoxText, LabelledBox


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task that is not answered as text, or with inputs that the model does not take."""
    check_target(task, "a vision-language model", Label, Answer, Text, Boxes, Region, Match)
    if not {"image"} <= task.inputs <= {"image", "text"}:
        raise UnsupportedTask(
            f"task {task.name!r}: a vision-language model takes one image and a text: got {sorted(task.inputs)}; want "
            "an image, and no other inputs than a text"
        )
    if isinstance(task.target, Match) and (task.target.among, task.target.pool) != ("texts", "row"):
        raise UnsupportedTask(
            f"task {task.name!r}: a vision-language model ranks the texts of a row: got {task.target.among} of a "
            f"{task.target.pool}; want Match('texts')"
        )
    if isinstance(task.target, Boxes) and task.target.attributes:
        raise UnsupportedTask(
            f"task {task.name!r}: a vision-language model writes boxes with names: got attributes; want Boxes without"
        )


def target_text(
    task: Task,
    annotation: Any,
    row_id: str,
    rng: np.random.Generator | None,
    *,
    candidates: Sequence[str] = (),
    box_text: BoxText,
    size_hw: tuple[int, int],
) -> str:
    """Returns the target as text; where several are valid, one is drawn, or always the first if `rng` is None.

    Args:
        task: of the row.
        annotation: as the reader gave it.
        row_id: for the error.
        rng: draws one of several texts.
        candidates: texts of a `Match`.
        box_text: the form of boxes.
        size_hw: of the image file, in which boxes are annotated.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label(names):
            return names[class_index(task, annotation, row_id, len(names))]
        case Match():
            found = np.flatnonzero(matching_candidates(task, annotation, row_id, len(candidates)))
            texts = tuple(candidates[int(index)] for index in found) or ("",)
        case Answer() | Text():
            texts = parse_texts(task, annotation, row_id)
        case Region():
            if annotation is None:
                return box_text.write([])
            return box_text.write([LabelledBox(_fractions(task, annotation, row_id, size_hw), "")])
        case Boxes(names):
            if not isinstance(annotation, BoxSet):
                raise DataError(f"{row_id}: task {task.name!r}: got a {type(annotation).__name__}; want a BoxSet")
            return box_text.write(
                [
                    LabelledBox(
                        _fractions(task, box, row_id, size_hw), names[class_index(task, label, row_id, len(names))]
                    )
                    for box, label in zip(annotation.boxes_xyxy, annotation.labels, strict=True)
                ]
            )
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want a target that is text")
    return texts[0 if rng is None else int(rng.integers(len(texts)))]


def predicted_boxes(
    task: Task, text: str, log_prob: float, tokens: int, box_text: BoxText, size_hw: tuple[int, int]
) -> BoxSet | None:
    """Returns the boxes of a generated text in pixels of the file; None if the text is not the model's form of boxes.

    A box whose name is none of the task's is left out. All boxes of a text have one score: its mean probability per
    token.
    """
    found = box_text.parse(text)
    if found is None:
        return None
    names = task.target.names if isinstance(task.target, Boxes) else ("",)
    kept = [(box.corners, names.index(box.name)) for box in found if box.name in names]
    height, width = size_hw
    boxes = np.array([corners for corners, _ in kept], dtype=np.float64).reshape(-1, 4)
    score = math.exp(log_prob / max(tokens, 1))
    return BoxSet(
        boxes * (width, height, width, height), np.array([label for _, label in kept], dtype=np.int64),
        np.full(len(kept), score),
    )  # fmt: skip


NO_BOXES = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def _fractions(task: Task, box: Any, row_id: str, size_hw: tuple[int, int]) -> tuple[float, float, float, float]:
    try:
        corners = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.zeros(0)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise DataError(f"{row_id}: task {task.name!r}: got {box!r}; want (x0, y0, x1, y1) in pixels of the file")
    height, width = size_hw
    x0, y0, x1, y1 = (float(value) for value in np.clip(corners / (width, height, width, height), 0, 1))
    return x0, y0, x1, y1
