"""Attributes of things: which of those that are found are described rightly."""

import numpy as np
import pytest

from motet.core import Boxes, BoxSet, MetricError
from motet.metrics import AttributeF1, DescribedBoxes
from motet.metrics.box_attributes import matched_detections

THINGS = Boxes(("cat", "dog"), ("red", "blue", "large"))
LEFT, RIGHT = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0)


def boxes(*rows):
    """Rows of corners, label, score and attributes."""
    return BoxSet(
        np.array([row[0] for row in rows], dtype=np.float64).reshape(-1, 4),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
        tuple(row[3] for row in rows),
    )


def value(metric, predicted, annotated):
    metric.update("a", predicted, annotated, THINGS)
    return metric.compute()


ANNOTATED = boxes((LEFT, 0, 1, (0, 2)), (RIGHT, 1, 1, (1,)))


@pytest.mark.parametrize(
    ("predicted", "described", "f1"),
    [
        (ANNOTATED, 100.0, 100.0),
        (boxes((LEFT, 0, 0.9, (2, 0))), 50.0, 100.0),  # one is not found, the other described wholly
        (boxes((LEFT, 0, 0.9, (0,)), (RIGHT, 1, 0.9, (1, 2))), 0.0, 200 * 2 / 6),
        (boxes((LEFT, 1, 0.9, (0, 2)), (RIGHT, 1, 0.9, (1,))), 50.0, 100.0),  # the first by a wrong name
        (boxes(), 0.0, 0.0),
    ],
)
def test_detection_and_attributes(predicted, described, f1) -> None:
    assert value(DescribedBoxes(), predicted, ANNOTATED) == pytest.approx(described)
    assert value(AttributeF1(), predicted, ANNOTATED) == pytest.approx(f1)


def test_an_object_without_annotated_attributes_does_not_count() -> None:
    annotated = boxes((LEFT, 0, 1, ()), (RIGHT, 1, 1, (1,)))
    assert value(DescribedBoxes(), boxes((LEFT, 0, 0.9, (0,)), (RIGHT, 1, 0.9, (1,))), annotated) == 100.0


def test_the_best_detection_matches_an_object_and_the_next_matches_none() -> None:
    predicted = boxes((LEFT, 0, 0.5, (1,)), (LEFT, 0, 0.9, (0, 2)))
    assert matched_detections(predicted, ANNOTATED).tolist() == [1, -1]
    assert value(DescribedBoxes(), predicted, ANNOTATED) == 50.0


def test_a_task_without_attributes_is_one_line() -> None:
    bare = boxes((LEFT, 0, 1, ()))
    with pytest.raises(
        MetricError, match="metric described_boxes: target: got Boxes without attributes; want Boxes with"
    ):
        DescribedBoxes().update("a", bare, bare, Boxes(("cat",)))
