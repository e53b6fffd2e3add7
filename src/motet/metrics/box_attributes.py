"""How well things are described that are found: their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from motet.core import Boxes, BoxSet, Metric, MetricError, Prediction, TargetSpec
from motet.metrics.box_matching import check_pair, overlaps

MIN_IOU = 0.5
"""A true box is found by a detection of its class that overlaps it more than this."""


class DescribedBoxes(Metric):
    """The share of true boxes that are found, by their right name, with exactly their attributes.

    Best detection first, each takes the free true box of its class that it overlaps most, if by more than 0.5. True
    boxes without a known attribute and crowds are not asked for. A box that is not found counts as wrong, so this is
    finding, naming and describing in one number.

    Examples:
        >>> asked = Boxes(("cat",), ("red", "large"))
        >>> box = np.array([[0.0, 0.0, 4.0, 4.0]])
        >>> described = DescribedBoxes()
        >>> said = BoxSet(box, np.array([0]), np.array([0.7]), ((0, 1),))
        >>> described.update("a", said, BoxSet(box, np.array([0]), np.ones(1), ((1, 0),)), asked)
        >>> described.compute()
        100.0
    """

    name = "described"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        """How many are described rightly, of how many."""
        pairs = _pairs(prediction, annotation, target, self.name)
        return sum(said == true for said, true in pairs), len(pairs)

    def reduce(self, rows: Sequence[Any]) -> float:
        right, asked = np.asarray(rows, dtype=np.float64).sum(axis=0)
        return float(100.0 * right / asked) if asked else 0.0

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        right, asked = (counts @ np.asarray([self.rows[i] for i in ids], dtype=np.float64)).T
        return np.asarray(100.0 * right / np.maximum(asked, 1))


class AttributeF1(Metric):
    """F1 of the attributes said of the things that are found, all counted together.

        F1 = 2 * right / (said + true)

    Which things are found: see `DescribedBoxes`. Things that are not found do not count, so this is describing alone.
    """

    name = "attribute_f1"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        """How many attributes are right, and how many are said or true."""
        pairs = [(said, true) for said, true in _pairs(prediction, annotation, target, self.name) if said is not None]
        return sum(len(said & true) for said, true in pairs), sum(len(said) + len(true) for said, true in pairs)

    def reduce(self, rows: Sequence[Any]) -> float:
        right, both = np.asarray(rows, dtype=np.float64).sum(axis=0)
        return float(200.0 * right / both) if both else 0.0

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        right, both = (counts @ np.asarray([self.rows[i] for i in ids], dtype=np.float64)).T
        return np.asarray(200.0 * right / np.maximum(both, 1))


def _pairs(
    prediction: Prediction, annotation: Any, target: TargetSpec, metric: str
) -> list[tuple[frozenset[int] | None, frozenset[int]]]:
    """For each true box with attributes: what is said of it (None when it is not found), and what is true."""
    said, true, asked = check_pair(prediction, annotation, target, metric)
    _check_named(asked, metric)
    finder = matched_detections(said, true)
    return [
        (None if finder[place] < 0 else _attributes(said, int(finder[place])), frozenset(attributes))
        for place, attributes in enumerate(true.attributes)
        if attributes and not (len(true.crowd) and true.crowd[place])
    ]


def matched_detections(said: BoxSet, true: BoxSet) -> Int[np.ndarray, "m"]:
    """For each true box the detection that finds it, -1 for none (see `DescribedBoxes`)."""
    finder = np.full(len(true.labels), -1, dtype=np.int64)
    crowd = np.zeros(len(true.labels), dtype=bool)
    ious = overlaps(np.asarray(said.boxes_xyxy, dtype=np.float64), np.asarray(true.boxes_xyxy, dtype=np.float64), crowd)
    ious[np.asarray(said.labels)[:, None] != np.asarray(true.labels)[None]] = 0.0
    best = ious.max(axis=1, initial=0.0)
    for place in np.argsort(-np.asarray(said.scores, dtype=np.float64), kind="stable").tolist():
        if best[place] > MIN_IOU:
            free = np.where(finder < 0, ious[place], 0.0)
            if free.max() > MIN_IOU:
                finder[int(free.argmax())] = place
    return finder


def _attributes(boxes: BoxSet, place: int) -> frozenset[int]:
    return frozenset(boxes.attributes[place]) if boxes.attributes else frozenset()


def _check_named(target: Boxes, metric: str) -> None:
    if not target.attributes:
        raise MetricError(f"metric {metric}: target: got Boxes without attributes; want some")
