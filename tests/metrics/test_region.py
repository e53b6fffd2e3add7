"""Referring expressions: IoU of one box, and phrases that refer to nothing."""

import numpy as np
import pytest

from motet.core import BoxSet, ClassPrediction, Label, MetricError, Region
from motet.metrics import RegionAccuracy, RegionIoU
from motet.metrics.region import one_box, region_iou

NO_BOX = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def test_half_an_overlap_is_not_enough() -> None:
    metric = RegionAccuracy()
    metric.update("half", one_box((0, 0, 10, 10)), (0, 0, 10, 20), Region())
    metric.update("more", one_box((0, 0, 10, 10.1)), (0, 0, 10, 20), Region())
    boxes = BoxSet(np.array([[0, 0, 1, 1], [0, 0, 10, 20.0]]), np.zeros(2, dtype=np.int64), np.array([0.1, 0.9]))
    metric.update("surest", boxes, (0, 0, 10, 20), Region())
    assert metric.rows == {"half": 0.0, "more": 1.0, "surest": 1.0}


def test_no_box_is_right_only_if_the_phrase_refers_to_nothing() -> None:
    assert region_iou(NO_BOX, None, Region(), "m") == 1.0
    assert region_iou(NO_BOX, (0, 0, 1, 1), Region(), "m") == 0.0
    assert region_iou(one_box((0, 0, 1, 1)), None, Region(), "m") == 0.0


def test_the_mean_iou_is_a_percentage() -> None:
    metric = RegionIoU()
    metric.update("a", one_box((0, 0, 2, 2)), (1, 0, 5, 2), Region())
    metric.update("b", one_box((0, 0, 2, 2)), (8, 8, 9, 9), Region())
    assert metric.compute() == pytest.approx(100 * 0.2 / 2)


def test_what_cannot_be_evaluated_is_an_error() -> None:
    with pytest.raises(MetricError, match=r"metric region_accuracy: annotation: got \(1, 2\); want"):
        RegionAccuracy().update("a", one_box((0, 0, 1, 1)), (1, 2), Region())
    with pytest.raises(MetricError, match="metric region_iou: target: got a Label; want a Region"):
        RegionIoU().update("a", one_box((0, 0, 1, 1)), None, Label(("a",)))
    with pytest.raises(MetricError, match="metric region_iou: prediction: got a ClassPrediction; want a BoxSet"):
        RegionIoU().update("a", ClassPrediction(0), None, Region())
