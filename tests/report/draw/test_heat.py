"""Where an image is looked at: weights of boxes as heat of pixels."""

import numpy as np
import pytest
from PIL import Image

from motet.report.draw import box_heat, draw_heat


def test_a_small_box_says_more_of_its_pixels_than_a_large_one():
    heat = box_heat(np.array([0.2, 0.8]), np.array([[0, 0, 20, 10], [0, 0, 4, 4]]), (10, 20))
    assert heat[0, 0] == 1.0
    assert heat[9, 19] == pytest.approx(0.2 / ((0.2 / 200 + 0.8 / 16) / (1 / 200 + 1 / 16)))


def test_equal_weights_are_even_however_boxes_overlap():
    heat = box_heat(np.full(3, 0.3), np.array([[0, 0, 6, 6], [3, 3, 9, 9], [0, 0, 9, 3]]), (9, 9))
    assert set(heat.flatten().round(9)) == {0.0, 1.0}


def test_boxes_beyond_the_image_without_an_area_and_without_weight_are_borne():
    boxes = np.array([[-5, -5, 3, 3], [30, 30, 40, 40], [6.2, 6.2, 6.3, 6.3]])
    heat = box_heat(np.array([1.0, 1.0, 1.0]), boxes, (10, 10))
    assert heat[6, 6] == 1.0
    assert np.isfinite(heat).all()
    assert not box_heat(np.zeros(3), boxes, (10, 10)).any()


def test_what_lies_under_the_heat_is_still_seen():
    image = Image.new("RGB", (40, 40), "white")
    image.paste((0, 0, 0), (0, 0, 40, 20))
    drawn = np.asarray(draw_heat(image, [1.0], np.array([[0, 0, 20, 40]])), dtype=int)
    assert drawn[30, 10].sum() > drawn[10, 10].sum() > drawn[10, 30].sum()


def test_a_scale_moves_the_heat_to_the_larger_image():
    drawn = np.asarray(draw_heat(Image.new("RGB", (40, 40), "grey"), [1.0], np.array([[0, 0, 10, 20]]), 2.0), dtype=int)
    assert drawn[20, 19].sum() > 2 * drawn[20, 21].sum()
