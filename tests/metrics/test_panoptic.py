"""Panoptic quality by hand: what matches, what is spurious, what crowds and unlabelled pixels excuse."""

import numpy as np
import pytest

from motet.core import MetricError, Panoptic, PanopticMap
from motet.metrics import PanopticQuality
from motet.metrics.panoptic import panoptic_counts

TARGET = Panoptic(("cat", "grass"), (True, False))


def strip(*numbers: int, labels=(0, 1), crowd=()) -> PanopticMap:
    return PanopticMap(np.array([numbers]), np.array(labels), np.array(crowd, dtype=bool))


def test_iou_above_a_half_matches_one_class_alone() -> None:
    annotated = strip(1, 1, 1, 1, 2, 2)
    assert panoptic_counts(strip(1, 1, 1, 0, 2, 2), annotated, 2).tolist() == [[0.75, 1, 0, 0], [1, 1, 0, 0]]
    # Two of four pixels are no more than a half; another class never matches.
    assert panoptic_counts(strip(1, 1, 0, 0, 2, 2), annotated, 2).tolist()[0] == [0, 0, 1, 1]
    assert panoptic_counts(strip(1, 1, 1, 1, 2, 2, labels=(1, 1)), annotated, 2).tolist() == [
        [0, 0, 0, 1],
        [1, 1, 1, 0],
    ]


def test_pixels_without_an_annotation_do_not_count() -> None:
    annotated = strip(1, 1, 0, 0, 0, 0, labels=(0,))
    assert panoptic_counts(strip(1, 1, 1, 1, 0, 0, labels=(0,)), annotated, 2).tolist()[0] == [1, 1, 0, 0]
    assert panoptic_counts(strip(0, 0, 0, 1, 1, 1, labels=(0,)), annotated, 2).tolist()[0] == [0, 0, 0, 1]


def test_a_crowd_is_neither_missed_nor_does_it_make_spurious() -> None:
    annotated = strip(1, 1, 1, 1, 0, 0, labels=(0,), crowd=(True,))
    assert panoptic_counts(strip(1, 1, 0, 0, 0, 0, labels=(0,)), annotated, 2).sum() == 0
    assert panoptic_counts(strip(1, 1, 0, 0, 0, 0, labels=(1,)), annotated, 2).tolist()[1] == [0, 0, 1, 0]
    assert panoptic_counts(strip(0, 0, 0, 0, 0, 0, labels=()), annotated, 2).sum() == 0


def test_what_cannot_be_compared_is_refused() -> None:
    metric = PanopticQuality()
    with pytest.raises(MetricError, match="prediction: got a int; want a PanopticMap"):
        metric.update("a", 3, strip(1, 2), TARGET)  # type: ignore[arg-type]
    with pytest.raises(MetricError, match=r"got sizes \(1, 2\) and \(1, 3\)"):
        metric.update("a", strip(1, 2), strip(1, 2, 2), TARGET)
    with pytest.raises(MetricError, match="prediction: got classes 0 to 5; want 0 to 1"):
        metric.update("a", strip(1, 2, labels=(0, 5)), strip(1, 2), TARGET)
    metric.update("a", strip(0, 0, labels=()), strip(0, 0, labels=()), TARGET)
    with pytest.raises(MetricError, match="got 1 maps without a segment"):
        metric.compute()
