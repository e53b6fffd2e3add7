"""ODS and OIS by hand: tolerance, thresholds of the set and of each image."""

import numpy as np
import pytest

from motet.core import Dense, DenseMap, MetricError
from motet.metrics import EdgeF1Positive, OdsF, OisF

EDGES = Dense(1, "probability")


def line(row: int = 100, size: int = 200) -> np.ndarray:
    """Returns a map with one line."""
    drawn = np.zeros((size, size), dtype=np.float32)
    drawn[row] = 1.0
    return drawn


def test_an_edge_beside_the_line_is_right_here_and_wrong_to_the_pixel() -> None:
    strict, tolerant = EdgeF1Positive(), OdsF()
    for metric in (strict, tolerant):
        metric.update("a", DenseMap(line(101)), line(100), EDGES)
    assert (strict.compute(), tolerant.compute()) == (0.0, 100.0)
    far = OdsF()
    far.update("a", DenseMap(line(103)), line(100), EDGES)  # 2.1 pixels are allowed
    assert far.compute() == 0.0


def test_thick_lines_are_thinned_before_they_are_counted() -> None:
    thick = np.maximum(np.maximum(line(99), line(100)), line(101))
    metric = OdsF()
    metric.update("a", DenseMap(thick), line(100), EDGES)
    assert metric.compute() > 99.0


def test_each_image_has_a_threshold_of_its_own_and_the_set_one_for_all() -> None:
    ods, ois = OdsF(), OisF()
    for metric in (ods, ois):
        # The right line at 0.3 beside nothing, and at 0.9 beside a wrong one at 0.6.
        metric.update("a", DenseMap(0.3 * line(50)), line(50), EDGES)
        metric.update("b", DenseMap(0.9 * line(50) + 0.6 * line(150)), line(50), EDGES)
    assert ois.compute() == 100.0
    # At 0.3: 400 right of 600; above: 200 of 200, with 200 missed. 2 x 400 / (600 + 400) is the better.
    assert ods.compute() == pytest.approx(80.0)


def test_nothing_predicted_is_nothing_found_and_unknown_pixels_do_not_count() -> None:
    metric = OdsF()
    metric.update("a", DenseMap(np.zeros((200, 200))), line(), EDGES)
    assert metric.compute() == 0.0
    unknown = line(100)
    unknown[140:] = np.nan
    known = OdsF()
    known.update("a", DenseMap(np.maximum(line(100), line(150))), unknown, EDGES)
    assert known.compute() == 100.0


def test_another_map_is_refused() -> None:
    with pytest.raises(MetricError, match="want one in 'probability'"):
        OdsF().update("a", DenseMap(np.ones((2, 2))), np.ones((2, 2)), Dense(1, "metre"))
