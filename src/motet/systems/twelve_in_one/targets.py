"""Targets of 12-in-1: the supported tasks, and annotations as arrays (section 3.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from motet.core import Answer, DataError, Example, Label, Masked, Match, Region, Task, UnsupportedTask
from motet.preprocess.annotations import matching_candidates
from motet.preprocess.regions import as_boxes
from motet.systems.base import check_target, encode_class
from motet.systems.twelve_in_one.options import ReferringConfig
from motet.systems.twelve_in_one.region_inputs import RegionReader
from motet.systems.twelve_in_one.regions import iou_px


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task whose target or inputs this system does not support."""
    check_target(task, "12-in-1", Label, Answer, Region, Match, Masked, closed=True)
    if isinstance(task.target, Match) and task.target.among == "regions" and task.target.pool != "row":
        raise UnsupportedTask(
            f"task {task.name!r}: 12-in-1 points at one of the regions of one image: got {task.target}; want pool='row'"
        )
    if not task.inputs <= {"image", "text", "regions"} or not task.inputs & {"image", "regions"}:
        raise UnsupportedTask(
            f"task {task.name!r}: 12-in-1 takes images or their regions, and text: got {sorted(task.inputs)}; want "
            "'image' or 'regions', with or without 'text'"
        )


def is_image_text_match(task: Task) -> bool:
    """Returns True for a task that matches texts and images."""
    return isinstance(task.target, Match) and task.target.among != "regions"


def encode_target(
    example: Example,
    task: Task,
    annotation: Any,
    images: RegionReader,
    referring: ReferringConfig,
    *,
    training: bool,
) -> dict[str, np.ndarray]:
    """Returns a row's annotation as arrays.

    Args:
        example: the row.
        task: of a `Label`, an `Answer`, a `Region` or a `Match` among regions.
        annotation: raw; None if it is missing, or if the phrase of a `Region` refers to nothing.
        images: read the row's regions.
        referring: targets of regions.
        training: whether known boxes may be among the regions, see `ReferringConfig.add_ground_truth`.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Match("regions"):
            boxes = parse_candidate_boxes(task, example)
            iou = _iou_with_match(example, task, annotation, boxes, referring)
            return images.extra_regions(task, example, boxes) | {"iou": iou}
        case Region():
            box = parse_box(task, annotation, example.id)
            value = {"box": np.zeros(4, np.float32) if box is None else box, "is_referred": np.array(box is not None)}
            if training and referring.add_ground_truth:
                boxes = np.zeros((0, 4), np.float32) if box is None else box[None]
                boxes = parse_candidate_boxes(task, example) if example.candidates else boxes
                value |= images.extra_regions(task, example, boxes)
            return value
        case _:
            return encode_class(task, annotation, example.id)


def _iou_with_match(
    example: Example, task: Task, annotation: Any, boxes: np.ndarray, referring: ReferringConfig
) -> np.ndarray:
    """Returns the IoU of each candidate box with the best matching one, 0 below the threshold."""
    if annotation is None:
        return np.zeros(len(boxes), dtype=np.float32)
    is_match = torch.from_numpy(matching_candidates(task, annotation, example.id, len(boxes)))
    if not is_match.any():
        return np.zeros(len(boxes), dtype=np.float32)
    candidates = torch.from_numpy(boxes)
    best = iou_px(candidates, candidates[is_match], referring.border_px).amax(-1)
    iou: np.ndarray = torch.where(best < referring.threshold, 0.0, best).numpy()
    return iou


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
