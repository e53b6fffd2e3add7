"""Metrics of the attributes of detected objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from motet.core import Boxes, BoxSet, Metric, MetricError, Prediction, TargetSpec
from motet.metrics.box_matching import check_pair, overlaps

MIN_IOU = 0.5
"""An annotated box is matched by a detection of its class whose IoU with it is above this."""


class DescribedBoxes(Metric):
    """The share of annotated boxes that are detected with the right class and exactly the right attributes.

    In order of their scores, each detection is matched to the unmatched annotated box of its class with the largest
    IoU, if that is above 0.5. Annotated boxes without attributes and crowds do not count. A box that no detection
    matches counts as wrong, so this measures detection, classification and attributes in one number.

    Examples:
        >>> boxes_target = Boxes(("cat",), ("red", "large"))
        >>> box = np.array([[0.0, 0.0, 4.0, 4.0]])
        >>> described = DescribedBoxes()
        >>> predicted = BoxSet(box, np.array([0]), np.array([0.7]), ((0, 1),))
        >>> described.update("a", predicted, BoxSet(box, np.array([0]), np.ones(1), ((1, 0),)), boxes_target)
        >>> described.compute()
        100.0
    """

    name = "described_boxes"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        """Returns the number of boxes with the right attributes, and the number of boxes."""
        pairs = _pairs(prediction, annotation, target, self.name)
        return sum(predicted == annotated for predicted, annotated in pairs), len(pairs)

    def reduce(self, rows: Sequence[Any]) -> float:
        right, boxes_target = np.asarray(rows, dtype=np.float64).sum(axis=0)
        return float(100.0 * right / boxes_target) if boxes_target else 0.0

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        right, boxes_target = (counts @ np.asarray([self.rows[i] for i in ids], dtype=np.float64)).T
        return np.asarray(100.0 * right / np.maximum(boxes_target, 1))


class AttributeF1(Metric):
    """F1 of the attributes of all detected objects together.

        F1 = 2 * right / (predicted + annotated)

    For the matching see `DescribedBoxes`. Objects that no detection matches do not count, so this measures attributes
    alone.
    """

    name = "attribute_f1"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        """Returns the number of right attributes, and the number of predicted plus annotated ones."""
        pairs = [
            (predicted, annotated)
            for predicted, annotated in _pairs(prediction, annotation, target, self.name)
            if predicted is not None
        ]
        return sum(len(predicted & annotated) for predicted, annotated in pairs), sum(
            len(predicted) + len(annotated) for predicted, annotated in pairs
        )

    def reduce(self, rows: Sequence[Any]) -> float:
        right, both = np.asarray(rows, dtype=np.float64).sum(axis=0)
        return float(200.0 * right / both) if both else 0.0

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        right, both = (counts @ np.asarray([self.rows[i] for i in ids], dtype=np.float64)).T
        return np.asarray(200.0 * right / np.maximum(both, 1))


def _pairs(
    prediction: Prediction, annotation: Any, target: TargetSpec, metric: str
) -> list[tuple[frozenset[int] | None, frozenset[int]]]:
    """Returns the predicted (None without a match) and annotated attributes per annotated box with attributes."""
    predicted, annotated, boxes_target = check_pair(prediction, annotation, target, metric)
    _check_named(boxes_target, metric)
    matches = matched_detections(predicted, annotated)
    return [
        (None if matches[place] < 0 else _attributes(predicted, int(matches[place])), frozenset(attributes))
        for place, attributes in enumerate(annotated.attributes)
        if attributes and not (len(annotated.crowd) and annotated.crowd[place])
    ]


def matched_detections(predicted: BoxSet, annotated: BoxSet) -> Int[np.ndarray, "m"]:
    """Returns, per annotated box, the index of the detection that matches it, -1 for none (see `DescribedBoxes`)."""
    matches = np.full(len(annotated.labels), -1, dtype=np.int64)
    crowd = np.zeros(len(annotated.labels), dtype=bool)
    ious = overlaps(
        np.asarray(predicted.boxes_xyxy, dtype=np.float64), np.asarray(annotated.boxes_xyxy, dtype=np.float64), crowd
    )
    ious[np.asarray(predicted.labels)[:, None] != np.asarray(annotated.labels)[None]] = 0.0
    best = ious.max(axis=1, initial=0.0)
    for place in np.argsort(-np.asarray(predicted.scores, dtype=np.float64), kind="stable").tolist():
        if best[place] > MIN_IOU:
            free = np.where(matches < 0, ious[place], 0.0)
            if free.max() > MIN_IOU:
                matches[int(free.argmax())] = place
    return matches


def _attributes(boxes: BoxSet, place: int) -> frozenset[int]:
    return frozenset(boxes.attributes[place]) if boxes.attributes else frozenset()


def _check_named(target: Boxes, metric: str) -> None:
    if not target.attributes:
        raise MetricError(
            f"metric {metric}: target: got Boxes without attributes; want Boxes with a list of attribute names"
        )
