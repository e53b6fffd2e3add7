"""Panoptic maps: what they hold, and what is refused."""

import numpy as np
import pytest

from motet.core import DataError
from motet.core.panoptic import PanopticMap

SEGMENTS = np.array([[0, 1, 1], [2, 2, 1]])


def test_areas_classes_and_crowds() -> None:
    found = PanopticMap(SEGMENTS, np.array([5, 7]), np.array([False, True]))
    assert found.areas().tolist() == [3, 2]
    assert found.classes().tolist() == [[-1, 5, 5], [7, 7, 5]]
    assert found.is_crowd.tolist() == [False, True]
    assert PanopticMap(SEGMENTS, np.array([5, 7])).is_crowd.tolist() == [False, False]
    assert found == PanopticMap(SEGMENTS.copy(), np.array([5, 7]), np.array([False, True]))
    assert found != PanopticMap(SEGMENTS, np.array([5, 7]))


@pytest.mark.parametrize(
    ("segments", "labels", "crowd", "wanted"),
    [
        (SEGMENTS, [5], [], "got segments 0 to 2 and 1 classes"),
        (SEGMENTS - 1, [5, 7], [], "got segments -1 to 1"),
        (SEGMENTS[0], [5, 7], [], r"got segments and labels of shape \(3,\)"),
        (SEGMENTS, [5.0, 7.5], [], "labels of int64 and float64; want whole numbers"),
        (SEGMENTS, [5, 7], [True], "crowd: got 1; want one for each of 2"),
    ],
)
def test_what_is_no_map_is_refused(segments, labels, crowd, wanted) -> None:
    with pytest.raises(DataError, match=wanted):
        PanopticMap(segments, np.array(labels), np.array(crowd, dtype=bool))
