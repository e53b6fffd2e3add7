"""COCO's twelve metrics as computed by `faster-coco-eval`, to compare with those of `motet.metrics.boxes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import BoxSet, ConfigError
from motet.metrics.box_matching import areas_of


def official_twelve(pairs: Sequence[tuple[BoxSet, BoxSet]], *, num_names: int) -> tuple[float, ...]:
    """Returns the values of `faster-coco-eval` in the order of `COCO_TWELVE`, in percent; -1 without an annotated box.

    The metrics of `motet.metrics.boxes` give the same values and also support the bootstrap; this function is for
    checking them on other data.

    Args:
        pairs: (prediction, annotation) of each image.
        num_names: number of classes.

    Raises:
        ConfigError: the extra `coco` is not installed.

    Examples:
        >>> cat = BoxSet(np.array([[0.0, 0.0, 40.0, 40.0]]), np.array([0]), np.ones(1))
        >>> near = BoxSet(np.array([[0.0, 0.0, 40.0, 30.0]]), np.array([0]), np.array([0.9]))
        >>> [round(number) for number in official_twelve([(near, cat)], num_names=1)][:3]
        [60, 100, 100]
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ModuleNotFoundError as error:
        raise ConfigError(
            "COCO's official metrics: got no faster-coco-eval; want it installed (pip install 'motet[coco]')"
        ) from error
    annotation = COCO(_annotation_file([annotation for _, annotation in pairs], num_names))
    predictions = [entry for number, (prediction, _) in enumerate(pairs) for entry in _entries(prediction, number)]
    if not predictions:
        # The library refuses an empty list of detections; one outside the image with score 0 changes nothing.
        predictions = [{"image_id": 0, "category_id": 1, "bbox": [-9.0, -9.0, 1.0, 1.0], "score": 0.0}]
    evaluator = COCOeval_faster(annotation, annotation.loadRes(predictions), iouType="bbox")
    evaluator.run()
    return tuple(float(number) if number == -1 else 100.0 * float(number) for number in evaluator.stats[:12])


def _annotation_file(annotations: Sequence[BoxSet], num_names: int) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for number, annotation in enumerate(annotations):
        areas = (
            annotation.areas if len(annotation.areas) else areas_of(np.asarray(annotation.boxes_xyxy, dtype=np.float64))
        )
        for place, entry in enumerate(_entries(annotation, number)):
            crowd = bool(len(annotation.crowd) and annotation.crowd[place])
            entries.append({**entry, "id": len(entries) + 1, "area": float(areas[place]), "iscrowd": int(crowd)})
    return {
        "images": [{"id": number, "width": 1, "height": 1} for number in range(len(annotations))],
        "categories": [{"id": label + 1, "name": str(label)} for label in range(num_names)],
        "annotations": entries,
    }


def _entries(boxes: BoxSet, image: int) -> list[dict[str, Any]]:
    corners = np.asarray(boxes.boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return [
        {"image_id": image, "category_id": int(label) + 1, "bbox": box, "score": float(score)}
        for box, label, score in zip(sides.tolist(), boxes.labels, boxes.scores, strict=True)
    ]
