"""Segments in colours: one hue per class, other shades per thing, borders, and the image where there is nothing."""

import numpy as np
from PIL import Image

from motet.core import Panoptic, PanopticMap
from motet.report.draw.panoptic import describe_segments, draw_segments

TARGET = Panoptic(("ground", "cat"), (False, True))


def test_segments_differ_and_nothing_stays_as_it_is() -> None:
    found = PanopticMap(np.repeat([[0, 1, 2, 3]], 6, 0).repeat(6, 1), np.array([0, 1, 1]))
    image = Image.new("RGB", (24, 6), (10, 20, 30))
    drawn = np.asarray(draw_segments(image, found, TARGET))
    colours = [tuple(drawn[3, x].tolist()) for x in (3, 9, 15, 21)]
    assert colours[0] == (10, 20, 30)
    assert len(set(colours)) == 4
    assert drawn[3, 6].tolist() == drawn[3, 12].tolist() == [255, 255, 255]


def test_words() -> None:
    found = PanopticMap(np.array([[1, 2, 3, 3], [0, 0, 3, 3]]), np.array([1, 1, 0]))
    assert describe_segments(found, TARGET) == "1 ground (50 %), 2 cat (25 %)"
    assert describe_segments(PanopticMap(np.zeros((1, 1), np.int64), np.zeros(0, np.int64)), TARGET) == "nothing"
