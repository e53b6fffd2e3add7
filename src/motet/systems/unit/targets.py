"""What UniT answers, and what it learns of a row: a class, soft answers, boxes (section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

import numpy as np
import torch
from torch import Tensor

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    DataError,
    Dense,
    Label,
    Masked,
    Match,
    Region,
    Score,
    Task,
    Text,
    UnsupportedTask,
)
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, parse_answers
from motet.preprocess.geometry import Geometry


def check(task: Task) -> None:
    """Raises UnsupportedTask for a task that this system cannot answer, or that sees what it does not."""
    match task.target:
        case Label() | Boxes() | Region():
            pass
        case Answer(names) if names:
            pass
        case Answer():
            raise UnsupportedTask(
                f"task {task.name!r}: UniT chooses from a list of answers: got an Answer without names; want its names"
            )
        case Text() | Dense() | Match() | Masked() | Score():
            raise UnsupportedTask(
                f"task {task.name!r}: UniT answers Label, Answer with names, Boxes and Region: "
                f"got {type(task.target).__name__}; want one of those, or another system"
            )
        case other:
            assert_never(other)
    if not task.inputs or not task.inputs <= {"image", "text"}:
        raise UnsupportedTask(
            f"task {task.name!r}: UniT sees one image, a text or both: got {sorted(task.inputs)}; want no others"
        )
    if isinstance(task.target, Boxes | Region) and "image" not in task.inputs:
        raise UnsupportedTask(
            f"task {task.name!r}: boxes lie in an image: got a task that sees {sorted(task.inputs)}; want 'image' in it"
        )


def encoded(
    task: Task, annotation: Any, row_id: str, geometry: Geometry | None, max_attributes: int
) -> dict[str, np.ndarray]:
    """A row's truth as arrays.

    Args:
        task: whose.
        truth: raw; None where it is not known, or a `Region` means nothing.
        row_id: for the error.
        geometry: what was done to the picture, for boxes.
        max_attributes: of one box.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label(names):
            if annotation is None:
                return {"label": np.array(-1)}
            return {"label": np.array(class_index(task, annotation, row_id, len(names)))}
        case Answer(names):
            if annotation is None:
                return {"answers": np.zeros(len(names), dtype=np.float32)}
            return {"answers": soft_answer_targets(parse_answers(task, annotation, row_id), names).numpy()}
        case Boxes(names, attributes):
            assert geometry is not None  # a task of boxes sees an image, and then gets one
            return _boxes(task, annotation, row_id, geometry, (len(names), len(attributes)), max_attributes)
        case Region():
            assert geometry is not None
            boxes = np.zeros((0, 4)) if annotation is None else _corners(task, np.asarray([annotation]), row_id)
            return {"boxes": _inside(boxes, geometry)[0].astype(np.float32)}
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want one that was checked")


def _boxes(
    task: Task, annotation: Any, row_id: str, geometry: Geometry, counts: tuple[int, int], max_attributes: int
) -> dict[str, np.ndarray]:
    annotation = _NOTHING if annotation is None else annotation
    if not isinstance(annotation, BoxSet):
        raise DataError(f"{row_id}: task {task.name!r}: got a {type(annotation).__name__}; want a BoxSet")
    corners = _corners(task, annotation.boxes_xyxy, row_id)
    labels = np.asarray(annotation.labels, dtype=np.int64).reshape(-1)
    if len(labels) != len(corners):
        raise DataError(f"{row_id}: task {task.name!r}: got {len(labels)} labels of {len(corners)} boxes; want as many")
    bad = (labels < 0) | (labels >= counts[0])
    if bad.any():
        got = int(labels[bad][0])
        raise DataError(f"{row_id}: task {task.name!r}: box label: got {got}; want from 0 to {counts[0] - 1}")
    attributes = np.full((len(corners), max_attributes if counts[1] else 0), -1, dtype=np.int64)
    for box, found in enumerate(annotation.attributes if counts[1] else ()):
        if any(not 0 <= attribute < counts[1] for attribute in found):
            raise DataError(
                f"{row_id}: task {task.name!r}: box attributes: got {found}; want from 0 to {counts[1] - 1}"
            )
        kept = found[:max_attributes]
        attributes[box, : len(kept)] = kept
    # A box around a crowd is no thing of its own: it is judged apart, and never learned.
    single = ~np.asarray(annotation.crowd, dtype=bool) if len(annotation.crowd) else np.ones(len(corners), dtype=bool)
    boxes, kept_boxes = _inside(corners[single], geometry)
    chosen = np.flatnonzero(single)[kept_boxes]
    return {"boxes": boxes.astype(np.float32), "labels": labels[chosen], "attributes": attributes[chosen]}


_NOTHING = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def _corners(task: Task, boxes_xyxy: np.ndarray, row_id: str) -> np.ndarray:
    boxes = np.asarray(boxes_xyxy, dtype=np.float64)
    if boxes.size and (boxes.ndim != 2 or boxes.shape[1] != 4):
        raise DataError(f"{row_id}: task {task.name!r}: boxes: got shape {boxes.shape}; want (n, 4)")
    boxes = boxes.reshape(-1, 4)
    if not np.isfinite(boxes).all():
        got = boxes[~np.isfinite(boxes).all(axis=1)][0].tolist()
        raise DataError(f"{row_id}: task {task.name!r}: box: got {got}; want four numbers")
    return boxes


def _inside(boxes_xyxy: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Centres and sizes in parts of the view, of the boxes that are still there, and which those are."""
    moved, kept = geometry.boxes(boxes_xyxy)
    height, width = geometry.size_hw
    centre, size = (moved[:, :2] + moved[:, 2:]) / 2, moved[:, 2:] - moved[:, :2]
    return np.concatenate([centre, size], axis=1) / np.array([width, height, width, height]), kept


def stacked(found: Sequence[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Rows' truths as tensors; boxes are filled up to the same number, and ``valid`` is True on real ones."""
    if "boxes" not in found[0]:
        return {name: torch.from_numpy(np.stack([row[name] for row in found])) for name in found[0]}
    most = max(1, *(len(row["boxes"]) for row in found))
    value: dict[str, Tensor] = {}
    for name, first in found[0].items():
        filled = np.full((len(found), most, *first.shape[1:]), -1 if name == "attributes" else 0, dtype=first.dtype)
        for place, row in enumerate(found):
            filled[place, : len(row[name])] = row[name]
        value[name] = torch.from_numpy(filled)
    counts = torch.tensor([len(row["boxes"]) for row in found])
    value["valid"] = torch.arange(most) < counts[:, None]
    return value
