"""Class counts, IoU and F1 of edges by hand."""

import numpy as np
import pytest

from motet.core import Dense, DenseMap, MetricError
from motet.metrics import EdgeF1, EdgeF1Positive, MeanIoU, PixelAccuracy
from motet.metrics.dense_classes import EDGE_THRESHOLD, class_counts

EDGES = Dense(1, "probability")


def test_counts_are_right_predicted_and_annotated_pixels() -> None:
    rng = np.random.default_rng(0)
    predicted, annotated = rng.integers(0, 4, (2, 50))
    right, of_predicted, of_annotated = class_counts(predicted, annotated, 5)
    assert right.sum() == (predicted == annotated).sum()
    assert of_predicted.sum() == of_annotated.sum() == 50
    assert (right <= np.minimum(of_predicted, of_annotated)).all()
    assert right[4] == 0


def test_an_edge_begins_at_the_threshold() -> None:
    metric = EdgeF1Positive()
    metric.update("a", DenseMap(np.array([[EDGE_THRESHOLD, 0.49]])), np.array([[1.0, 0.0]]), EDGES)
    assert metric.compute() == 100.0


def test_no_edge_everywhere_has_half_of_the_mean_and_nothing_of_the_positive_f1() -> None:
    annotated = np.zeros((10, 10))
    annotated[0, 0] = 1.0
    mean, positive = EdgeF1(), EdgeF1Positive()
    for metric in (mean, positive):
        metric.update("a", DenseMap(np.zeros((10, 10))), annotated, EDGES)
    assert mean.compute() == pytest.approx(100 * (2 * 99 / 199) / 2)
    assert positive.compute() == 0.0


@pytest.mark.parametrize("metric", [MeanIoU, PixelAccuracy])
def test_a_map_without_classes_is_refused(metric) -> None:
    with pytest.raises(MetricError, match="target: got a map in 'metre'; want one in 'class'"):
        metric().update("a", DenseMap(np.ones((2, 2))), np.ones((2, 2)), Dense(1, "metre"))
