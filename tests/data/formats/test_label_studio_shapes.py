"""Shapes of Label Studio; the reader's tests have their errors."""

from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.label_studio_shapes import label_key, stated_size_hw, studio_box

HERE = Path("p.json")
SQUARE = {"x": 50, "y": 50, "width": 20, "height": 20, "rectanglelabels": ["cat", "dog"]}


def test_the_first_class_counts():
    assert label_key(SQUARE) == "rectanglelabels"
    assert label_key({"x": 1}) == ""
    assert studio_box(SQUARE, HERE, 3)[:3] == ("cat", (0.5, 0.5, 0.7, 0.7), 3)
    assert studio_box({"points": [[0, 0], [10, 20]], "labels": ["cow"]}, HERE, 3).name == "cow"


def test_a_shape_turns_in_pixels_and_not_in_per_cent():
    turned = {**SQUARE, "rotation": 90, "original_width": 200, "original_height": 100}
    x0, y0, x1, y1 = studio_box(turned, HERE, 0).xyxy  # 40 x 20 pixels become 20 x 40, to the left of the corner
    assert (round(x0, 6), round(y0, 6), round(x1, 6), round(y1, 6)) == (0.4, 0.5, 0.5, 0.9)
    with pytest.raises(DataError, match="want the image's size for a rotated shape"):
        studio_box({**SQUARE, "rotation": 90}, HERE, 0)


def test_the_size_of_the_image():
    assert stated_size_hw({"original_width": 6, "original_height": 4}, HERE, 0) == (4, 6)
    assert stated_size_hw({}, HERE, 0) is None
