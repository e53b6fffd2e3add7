"""Legends below drawn maps."""

import numpy as np
import pytest
from PIL import Image

from motet.core import Dense
from motet.report.draw.dense import DEPTH_COLOURS, map_class_colours
from motet.report.draw.legend import with_colour_names, with_legend

IMAGE = Image.new("RGB", (400, 50), (9, 9, 9))


def legend(image: Image.Image) -> np.ndarray:
    return np.asarray(image)[IMAGE.height :]


def has(pixels: np.ndarray, colour: object) -> bool:
    return bool((pixels == np.asarray(colour)).all(axis=-1).any())


@pytest.mark.parametrize(
    "target", [Dense(2, "class", ("a", "b")), Dense(1, "metre"), Dense(3, "unit vector"), Dense(1, "probability")]
)
def test_the_image_itself_stays(target: Dense) -> None:
    values = np.ones((5, 5), dtype=np.int64) if target.unit == "class" else np.ones((5, 5))
    drawn = with_legend(IMAGE, target, [values])
    assert drawn.height > IMAGE.height
    assert (np.asarray(drawn)[: IMAGE.height] == 9).all()


def test_only_classes_of_the_maps_are_listed() -> None:
    target = Dense(3, "class", ("sky", "road", "car"))
    colours = map_class_colours(3)
    pixels = legend(with_legend(IMAGE, target, [np.array([[0, 2], [-1, 2]])]))
    assert [has(pixels, colour) for colour in colours] == [True, False, True]


def test_many_classes_are_cut_with_a_remark() -> None:
    target = Dense(30, "class", tuple(f"class {n}" for n in range(30)))
    every, some = (with_legend(IMAGE, target, [np.arange(count)[None]]) for count in (30, 12))
    assert every.height <= some.height + 22


def test_depths_have_a_bar_from_the_nearest_to_the_farthest_colour() -> None:
    pixels = legend(with_legend(IMAGE, Dense(1, "metre"), [np.array([[1.0, 5.0]])]))
    assert has(pixels, DEPTH_COLOURS[0])
    assert has(pixels, DEPTH_COLOURS[-1])


def test_names_that_do_not_fit_go_to_another_line() -> None:
    names = [(f"a rather long name {n}", (200, 0, 0)) for n in range(6)]
    narrow, wide = (with_colour_names(Image.new("RGB", (width, 10)), names) for width in (200, 2000))
    assert narrow.height > wide.height == 10 + 22
