"""Metrics of the region that a phrase refers to."""

from __future__ import annotations

from typing import Any

import numpy as np

from motet.core import BoxSet, MeanMetric, MetricError, Prediction, Region, TargetSpec


class RegionAccuracy(MeanMetric):
    """The share of rows whose predicted box has an IoU above 0.5 with the annotated one.

    If the phrase refers to nothing, the right prediction is no box. Boxes are continuous: one from 0 to 2 is two pixels
    wide. The official code counts three, which changes an IoU by less than 0.01 unless boxes are tiny.

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
    """The mean IoU of predicted and annotated box; predicting no box counts 1 if the phrase refers to nothing.

    Examples:
        >>> mean = RegionIoU()
        >>> mean.update("a", one_box((0, 0, 10, 10)), (0, 0, 10, 8), Region())
        >>> round(mean.compute(), 6)
        80.0
    """

    name = "region_iou"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        return region_iou(prediction, annotation, target, self.name)


def region_iou(prediction: Prediction, annotation: Any, target: TargetSpec, metric: str) -> float:
    """Returns the IoU of the predicted box with the highest score and the annotated one, 1 if there is neither.

    Raises:
        MetricError: another kind of target or prediction, or an annotation that is neither a box nor None.
    """
    if not isinstance(target, Region):
        raise MetricError(f"metric {metric}: target: got a {type(target).__name__}; want a Region")
    if not isinstance(prediction, BoxSet):
        raise MetricError(f"metric {metric}: prediction: got a {type(prediction).__name__}; want a BoxSet")
    if annotation is not None and (
        np.shape(annotation) != (4,) or not np.isfinite(np.asarray(annotation, dtype=np.float64)).all()
    ):
        raise MetricError(f"metric {metric}: annotation: got {annotation!r}; want (x0, y0, x1, y1) or None")
    if annotation is None or not len(prediction.boxes_xyxy):
        return float(annotation is None and not len(prediction.boxes_xyxy))
    box = np.asarray(prediction.boxes_xyxy, dtype=np.float64).reshape(-1, 4)[int(np.argmax(prediction.scores))]
    annotated = np.asarray(annotation, dtype=np.float64)
    shared = np.clip(np.minimum(box[2:], annotated[2:]) - np.maximum(box[:2], annotated[:2]), 0, None).prod()
    areas = np.clip(box[2:] - box[:2], 0, None).prod() + np.clip(annotated[2:] - annotated[:2], 0, None).prod()
    return float(shared / max(areas - shared, 1e-12))


def one_box(box_xyxy: tuple[float, float, float, float], score: float = 1.0) -> BoxSet:
    """Returns a prediction of one box, in pixels of the file."""
    return BoxSet(np.array([box_xyxy], dtype=np.float64), np.zeros(1, dtype=np.int64), np.array([score]))
