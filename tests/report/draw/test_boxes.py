"""Boxes on images: every name inside the image, the colour its class's, the original untouched."""

import numpy as np
import pytest
from PIL import Image

from motet.core import BoxSet
from motet.report.draw import MAX_NAMED_BOXES, box_text, class_colour, draw_boxes

WHITE = (255, 255, 255)


def boxes(*corners, labels=None, scores=None, attributes=()):
    count = len(corners)
    return BoxSet(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        np.array(labels if labels is not None else range(count), dtype=np.int64),
        np.array(scores if scores is not None else [1.0] * count),
        attributes,
    )


def colours(image):
    return {colour for _, colour in image.getcolors(100_000)}


def test_boxes_are_drawn_on_a_copy():
    image = Image.new("RGB", (80, 60), "white")
    drawn = draw_boxes(image, boxes((10, 20, 50, 50)), ["cat"])
    assert colours(image) == {WHITE}
    assert drawn.getpixel((9, 40)) == drawn.getpixel((50, 40)) == class_colour(0)
    assert drawn.getpixel((30, 45)) == WHITE


def test_each_class_has_its_colour_and_equal_classes_the_same():
    drawn = draw_boxes(
        Image.new("RGB", (200, 100), "white"),
        boxes((10, 30, 40, 60), (60, 30, 90, 60), (120, 30, 160, 60), labels=[0, 1, 0]),
        ["a", "b"],
    )
    assert (
        drawn.getpixel((9, 50))
        == drawn.getpixel((119, 50))
        == class_colour(0)
        != class_colour(1)
        == drawn.getpixel((59, 50))
    )


def test_unsure_boxes_are_left_out():
    image, both = Image.new("RGB", (90, 60), "white"), boxes((5, 20, 30, 50), (50, 20, 80, 50), scores=[0.9, 0.2])
    drawn = draw_boxes(image, both, ["a", "b"], min_score=0.3)
    assert class_colour(0) in colours(drawn)
    assert class_colour(1) not in colours(drawn)


def test_a_scale_moves_boxes_to_the_larger_image():
    drawn = draw_boxes(Image.new("RGB", (160, 120), "white"), boxes((10, 20, 50, 50)), ["cat"], 2.0)
    assert drawn.getpixel((19, 80)) == drawn.getpixel((100, 80)) == class_colour(0)


@pytest.mark.parametrize(
    "corners", [(-500, -500, 900, 900), (70, 50, 200, 200), (0, 0, 0, 0), (500, 500, 600, 600), (-9, 3, -5, 8)]
)
def test_boxes_beyond_the_image_and_of_no_area_are_drawn_at_its_border(corners):
    drawn = draw_boxes(Image.new("L", (80, 60), 255), boxes(corners), ["a very long name that is wider than this"])
    assert drawn.size == (80, 60)
    assert class_colour(0) in colours(drawn)


def test_names_do_not_hide_each_other():
    same = boxes((20, 40, 60, 80), (20, 40, 60, 80), (20, 40, 60, 80))
    drawn = np.asarray(draw_boxes(Image.new("RGB", (120, 120), "white"), same, ["a", "b", "c"]))
    plates = [(drawn == class_colour(label)).all(axis=2).sum() for label in (1, 2)]
    assert min(plates) > 60


def test_nothing_to_draw_is_the_image():
    image = Image.new("RGB", (40, 40), "red")
    assert draw_boxes(image, boxes(), []).tobytes() == image.tobytes()


def test_a_box_in_words():
    one = boxes((0, 0, 1, 1), scores=[0.5], attributes=((0,),))
    assert box_text(one, 0, ["cat"]) == "cat"
    assert box_text(one, 0, ["cat"], attributes=["red"], scores=True) == "red cat 0.50"


def test_names_of_a_crowd_stand_below_the_image():
    image = Image.new("RGB", (200, 120), "white")
    many = [(8 * i, 10, 8 * i + 6, 16) for i in range(MAX_NAMED_BOXES + 1)]
    labels = [0] * MAX_NAMED_BOXES + [1]
    few = draw_boxes(image, boxes(*many[1:], labels=labels[1:]), ["cell", "plate"])
    crowd = draw_boxes(image, boxes(*many, labels=labels), ["cell", "plate"])
    assert few.size == image.size
    assert crowd.width == image.width
    assert crowd.height > image.height
    # On the image itself only lines are left, no plates with letters; both colours come back below it.
    on_it, below = crowd.crop((0, 0, 200, 120)), crowd.crop((0, 120, 200, crowd.height))
    assert colours(on_it) == {WHITE, class_colour(0), class_colour(1)}
    assert {class_colour(0), class_colour(1)} <= colours(below)
    assert on_it.crop((0, 0, 200, 9)).getextrema() == ((255, 255),) * 3
