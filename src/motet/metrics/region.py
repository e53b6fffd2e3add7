"""Whether the place that was meant was found."""

from __future__ import annotations

from typing import Any

import numpy as np

from motet.core import BoxSet, MeanMetric, MetricError, Prediction, Region, TargetSpec


class RegionAccuracy(MeanMetric):
    """The share of rows whose box overlaps the true one by more than half (IoU > 0.5).

    Where nothing is meant, no box is right and every box is wrong. Boxes are continuous: one from 0 to 2 is two pixels
    wide. The official code counts three, by which an IoU changes by less than a hundredth unless boxes are tiny.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2, "Referring Expressions"; `refer_expression_dataset.py`.

    Examples:
        >>> accuracy = RegionAccuracy()
        >>> accuracy.update("a", one_box((0, 0, 10, 10)), (0, 0, 10, 8), Region())
        >>> accuracy.update("b", one_box((0, 0, 10, 10)), None, Region())
        >>> accuracy.compute()
        50.0
    """

    name = "region_accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        return float(region_iou(prediction, annotation, target, self.name) > 0.5)


class RegionIoU(MeanMetric):
    """The mean IoU of box and true box; no box where nothing is meant counts fully.

    Examples:
        >>> mean = RegionOverlap()
        >>> mean.update("a", one_box((0, 0, 10, 10)), (0, 0, 10, 8), Region())
        >>> round(mean.compute(), 6)
        80.0
    """

    name = "region_iou"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        return region_iou(prediction, annotation, target, self.name)


def region_iou(prediction: Prediction, annotation: Any, target: TargetSpec, metric: str) -> float:
    """The IoU of the surest predicted box with the true one, 1 where neither is there.

    Raises:
        MetricError: another kind of target or answer, or a truth that is neither a box nor None.
    """
    if not isinstance(target, Region):
        raise MetricError(f"metric {metric}: target: got a {type(target).__name__}; want a Region")
    if not isinstance(prediction, BoxSet):
        raise MetricError(f"metric {metric}: prediction: got a {type(prediction).__name__}; want a BoxSet")
    if annotation is not None and (
        np.shape(annotation) != (4,) or not np.isfinite(np.asarray(annotation, dtype=np.float64)).all()
    ):
        raise MetricError(f"metric {metric}: truth: got {annotation!r}; want (x0, y0, x1, y1) or None")
    if annotation is None or not len(prediction.boxes_xyxy):
        return float(annotation is None and not len(prediction.boxes_xyxy))
    box = np.asarray(prediction.boxes_xyxy, dtype=np.float64).reshape(-1, 4)[int(np.argmax(prediction.scores))]
    true = np.asarray(annotation, dtype=np.float64)
    shared = np.clip(np.minimum(box[2:], true[2:]) - np.maximum(box[:2], true[:2]), 0, None).prod()
    areas = np.clip(box[2:] - box[:2], 0, None).prod() + np.clip(true[2:] - true[:2], 0, None).prod()
    return float(shared / max(areas - shared, 1e-12))


def one_box(box_xyxy: tuple[float, float, float, float], score: float = 1.0) -> BoxSet:
    """An answer of one box, in pixels of the file."""
    return BoxSet(np.array([box_xyxy], dtype=np.float64), np.zeros(1, dtype=np.int64), np.array([score]))
