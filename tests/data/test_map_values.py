import numpy as np
import pytest

from motet.core.target import Dense
from motet.data.map_values import MapTally, map_error, valid_pixels

NAMES = ("sky", "road")
CLASSES, METRES = Dense(2, "class", NAMES), Dense(1, "metre")
VECTORS, SHARES = Dense(3, "unit vector"), Dense(1, "probability")
NAN = np.nan


@pytest.mark.parametrize(
    ("annotation", "target"),
    [
        (np.array([[0, 1, -1]]), CLASSES),
        (np.array([[0.5, NAN]]), METRES),
        (np.array([[[0.6, 0, -0.8], [NAN, NAN, NAN]]]), VECTORS),
        (np.array([[0.0, 1.0]]), SHARES),
    ],
)
def test_a_map_that_fits(annotation, target):
    assert map_error(annotation, target) is None


@pytest.mark.parametrize(
    ("annotation", "target", "message"),
    [
        ([[0]], CLASSES, "got a list; want an array"),
        (np.zeros((0, 2), int), CLASSES, "want at least one pixel"),
        (np.array([[0, 2, 7, -3]]), CLASSES, "got the classes -3, 2, 7; want 0 to 1"),
        (np.array([[0.0]]), CLASSES, "want whole numbers"),
        (np.array([[-1, -1]]), CLASSES, "without a valid pixel"),
        (np.array([[NAN]]), METRES, "without a valid pixel"),
        (np.array([[-0.5, 2.0]]), METRES, "got metres from -0.5 to 2; want 0 and more, or NaN"),
        (np.array([[np.inf]]), METRES, "got metres from inf to inf"),
        (np.array([[0.5, 1.5]]), SHARES, "got numbers from 0.5 to 1.5; want 0 to 1, or NaN"),
        (np.array([[[0.0, 0, 0.5]]]), VECTORS, "got vectors of the lengths 0.5 to 0.5; want 1, or NaN"),
        (np.array([[1.0]]), VECTORS, r"want real numbers \(h, w, 3\)"),
    ],
)
def test_a_map_that_cannot_be(annotation, target, message):
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(map_error(annotation, target))


def test_a_direction_is_valid_where_all_of_it_is_known():
    assert valid_pixels(np.array([[[0, 0, -1.0], [0, NAN, 1]]])).tolist() == [[True, False]]


def test_maps_add_up():
    tally = MapTally()
    for values in (np.array([[0, 1]]), np.array([[1, -1]]), np.array([[3, 1]])):
        tally.add(values)
    assert (tally.pixels, tally.valid) == (6, 5)
    assert tally.shares(NAMES) == (("road", 0.6), ("3", 0.2), ("sky", 0.2))
    metres = MapTally()
    metres.add(np.array([[2.0, NAN]]))
    metres.add(np.array([[0.5, 1]]))
    assert (metres.lowest, metres.highest) == (0.5, 2)
