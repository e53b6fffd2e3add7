"""The place that is meant: what was said, what is true, what could have been."""

import pytest
from PIL import Image

from motet.report.draw import GROUND_TRUTH_COLOUR, PREDICTED_COLOUR, draw_referred_boxes

WHITE = (255, 255, 255)


def colours(image):
    return {colour for _, colour in image.getcolors(100_000)}


def test_said_and_true_are_both_seen_also_where_they_are_the_same():
    image = Image.new("RGB", (200, 150), "white")
    drawn = draw_referred_boxes(image, predicted=(20, 40, 120, 120), ground_truth=(20, 40, 120, 120), titles=("", ""))
    top = [drawn.getpixel((x, 40)) for x in range(30, 110)]
    assert {PREDICTED_COLOUR, GROUND_TRUTH_COLOUR} <= set(top)
    assert colours(image) == {WHITE}


def test_candidates_are_thin_and_lie_below():
    drawn = draw_referred_boxes(
        Image.new("RGB", (200, 150), "grey"), predicted=(20, 40, 90, 120), candidates=[(20, 40, 90, 120)] * 2
    )
    assert drawn.getpixel((20, 80)) == PREDICTED_COLOUR
    thin = draw_referred_boxes(Image.new("RGB", (200, 150), "grey"), candidates=[(20, 40, 90, 120)])
    assert thin.getpixel((20, 80)) == (250, 250, 250)
    assert thin.getpixel((22, 80)) == (128, 128, 128)


def test_a_scale_moves_boxes_to_the_larger_image():
    drawn = draw_referred_boxes(
        Image.new("RGB", (200, 160), "white"), predicted=(10, 30, 50, 60), scale=2.0, titles=("", "")
    )
    assert drawn.getpixel((20, 90)) == drawn.getpixel((100, 90)) == PREDICTED_COLOUR


@pytest.mark.parametrize("box", [(-500, -500, 900, 900), (500, 500, 600, 600), (5, 5, 5, 5)])
def test_boxes_beyond_the_image_are_drawn_at_its_border(box):
    drawn = draw_referred_boxes(Image.new("RGB", (80, 60), "white"), predicted=box, ground_truth=box, candidates=[box])
    assert drawn.size == (80, 60)
    assert PREDICTED_COLOUR in colours(drawn)


def test_nothing_to_draw_is_the_image():
    image = Image.new("RGB", (40, 40), "red")
    assert draw_referred_boxes(image).tobytes() == image.tobytes()
