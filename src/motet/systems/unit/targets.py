"""Targets of UniT: the supported tasks, and annotations as class indices, soft answers and boxes (section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motet.core import Answer, Boxes, BoxSet, DataError, Label, Region, Task, UnsupportedTask
from motet.preprocess.geometry import Geometry
from motet.systems.base import check_target, encode_class


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task whose target or inputs this system does not support."""
    check_target(task, "UniT", Label, Answer, Boxes, Region, closed=True)
    if not task.inputs or not task.inputs <= {"image", "text"}:
        raise UnsupportedTask(
            f"task {task.name!r}: UniT takes one image, a text or both: got {sorted(task.inputs)}; want 'image', "
            "'text' or both"
        )
    if isinstance(task.target, Boxes | Region) and "image" not in task.inputs:
        raise UnsupportedTask(
            f"task {task.name!r}: boxes need an image: got inputs {sorted(task.inputs)}; want 'image' among them"
        )


def encode_target(
    task: Task, annotation: Any, row_id: str, geometry: Geometry | None, max_attributes: int
) -> dict[str, np.ndarray]:
    """Returns a row's annotation as arrays.

    Args:
        task: the annotated task.
        annotation: raw; None if it is missing, or if the phrase of a `Region` refers to nothing.
        row_id: for the error.
        geometry: the transform of the image, for boxes.
        max_attributes: of one box.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label() | Answer():
            return encode_class(task, annotation, row_id)
        case Boxes(names, attributes):
            assert geometry is not None  # a task of boxes has image inputs, so its rows have a geometry
            return _boxes(task, annotation, row_id, geometry, (len(names), len(attributes)), max_attributes)
        case Region():
            assert geometry is not None
            boxes = np.zeros((0, 4)) if annotation is None else _corners(task, np.asarray([annotation]), row_id)
            return {"boxes": _boxes_in_view(boxes, geometry)[0].astype(np.float32)}
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: got {type(other).__name__}; want Label, Answer, Boxes or Region"
            )


def _boxes(
    task: Task, annotation: Any, row_id: str, geometry: Geometry, counts: tuple[int, int], max_attributes: int
) -> dict[str, np.ndarray]:
    annotation = _NO_BOXES if annotation is None else annotation
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
    for box, of_box in enumerate(annotation.attributes if counts[1] else ()):
        if any(not 0 <= attribute < counts[1] for attribute in of_box):
            raise DataError(
                f"{row_id}: task {task.name!r}: box attributes: got {of_box}; want from 0 to {counts[1] - 1}"
            )
        first = of_box[:max_attributes]
        attributes[box, : len(first)] = first
    # A crowd box covers several objects: the metric treats it apart, and DETR does not train on it.
    single = ~np.asarray(annotation.crowd, dtype=bool) if len(annotation.crowd) else np.ones(len(corners), dtype=bool)
    boxes, in_view = _boxes_in_view(corners[single], geometry)
    used = np.flatnonzero(single)[in_view]
    return {"boxes": boxes.astype(np.float32), "labels": labels[used], "attributes": attributes[used]}


_NO_BOXES = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def _corners(task: Task, boxes_xyxy: np.ndarray, row_id: str) -> np.ndarray:
    boxes = np.asarray(boxes_xyxy, dtype=np.float64)
    if boxes.size and (boxes.ndim != 2 or boxes.shape[1] != 4):
        raise DataError(f"{row_id}: task {task.name!r}: boxes: got shape {boxes.shape}; want (n, 4)")
    boxes = boxes.reshape(-1, 4)
    if not np.isfinite(boxes).all():
        got = boxes[~np.isfinite(boxes).all(axis=1)][0].tolist()
        raise DataError(f"{row_id}: task {task.name!r}: box: got {got}; want four finite numbers")
    return boxes


def _boxes_in_view(boxes_xyxy: np.ndarray, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Returns the boxes that the view still holds, as centre and size relative to it, and their indices."""
    moved, in_view = geometry.boxes(boxes_xyxy)
    height, width = geometry.size_hw
    centre, size = (moved[:, :2] + moved[:, 2:]) / 2, moved[:, 2:] - moved[:, :2]
    return np.concatenate([centre, size], axis=1) / np.array([width, height, width, height]), in_view


def stack_targets(rows: Sequence[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Stacks encoded annotations of rows; boxes are padded to the same number, and ``valid`` masks the padding."""
    if "boxes" not in rows[0]:
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    longest = max(1, *(len(row["boxes"]) for row in rows))
    value: dict[str, Tensor] = {}
    for name, first in rows[0].items():
        padded = np.full((len(rows), longest, *first.shape[1:]), -1 if name == "attributes" else 0, dtype=first.dtype)
        for index, row in enumerate(rows):
            padded[index, : len(row[name])] = row[name]
        value[name] = torch.from_numpy(padded)
    counts = torch.tensor([len(row["boxes"]) for row in rows])
    value["valid"] = torch.arange(longest) < counts[:, None]
    return value
