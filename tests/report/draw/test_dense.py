"""Maps as images: colours that can be told apart, what is unknown, where an answer is wrong."""

import numpy as np
import pytest
from PIL import Image

from motet.core import ConfigError, Dense
from motet.report.draw import describe_map, draw_errors, draw_map, with_legend
from motet.report.draw.dense import UNKNOWN, map_class_colours

CLASSES = Dense(3, "class", ("ground", "cat", "dog"))
METRES, NORMALS, EDGES = Dense(1, "metre"), Dense(3, "unit vector"), Dense(1, "probability")
NAN = float("nan")


def pixels(image: Image.Image) -> list:
    return np.asarray(image).reshape(-1, 3).tolist()


def test_each_class_has_its_colour_and_the_unknown_is_grey() -> None:
    colours = map_class_colours(3).tolist()
    assert pixels(draw_map(np.array([[0, 1, 2, -1]]), CLASSES)) == [*colours, list(UNKNOWN)]


def test_metres_are_drawn_in_the_range_that_is_asked_for() -> None:
    near, far = pixels(draw_map(np.array([[2.0, 4.0]]), METRES))
    assert sum(near) < sum(far)
    assert pixels(draw_map(np.array([[2.0, 4.0, NAN]]), METRES, low=2.0, high=8.0))[::2] == [near, list(UNKNOWN)]
    assert pixels(draw_map(np.array([[4.0, 8.0]]), METRES, low=2.0, high=8.0))[1] == far
    assert pixels(draw_map(np.array([[NAN]]), METRES)) == [list(UNKNOWN)]


def test_directions_are_red_to_the_right_green_up_blue_to_the_viewer() -> None:
    vectors = np.array([[[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [NAN, 0.0, 0.0]]])
    assert pixels(draw_map(vectors, NORMALS)) == [[255, 127, 127], [127, 255, 127], [127, 127, 255], list(UNKNOWN)]


def test_edges_are_dark_on_white() -> None:
    assert pixels(draw_map(np.array([[[0.0], [1.0]]]), EDGES)) == [[255, 255, 255], [0, 0, 0]]


@pytest.mark.parametrize(
    ("target", "said", "true", "told"),
    [
        (CLASSES, np.array([[0, 1, 2]]), np.array([[0, 2, -1]]), "wrong class"),
        (METRES, np.array([[1.0, 4.0, 9.0]]), np.array([[1.0, 1.5, NAN]]), "2.50 m off"),
        (NORMALS, np.array([[[0, 0, 3.0], [0, 1.0, 0], [0, 0, 1]]]), np.array([[[0, 0, 1.0], [0, 0, 1], [NAN] * 3]]),
         "90° off or more"),
        (EDGES, np.array([[0.0, 0.0, 1.0]]), np.array([[0.0, 1.0, NAN]]), "wrong"),
    ],
)  # fmt: skip
def test_what_is_right_is_white_what_is_wrong_red_and_the_unknown_grey(target, said, true, told) -> None:
    image, darkest = draw_errors(said, true, target)
    assert darkest == told
    right, wrong, unknown = pixels(image)
    assert min(right) > 240
    assert wrong == [150, 20, 30]
    assert unknown == list(UNKNOWN)


def test_maps_in_words() -> None:
    assert describe_map(np.array([[1, 1, 1, 2, -1]]), CLASSES) == "cat 75 %, dog 25 %"
    assert describe_map(np.array([[-1]]), CLASSES) == "not annotated"
    assert describe_map(np.array([[0, 1]]), Dense(2, "class")) == "0 50 %, 1 50 %"
    assert describe_map(np.array([[1.0, NAN, 3.5]]), METRES) == "1.00 to 3.50 m"
    assert describe_map(np.array([[[0.0, 0.0, 1.0]]]), NORMALS) == (
        "mean direction +0.00 right, +0.00 down, +1.00 to the viewer"
    )
    assert describe_map(np.array([[0.7, 0.2, 0.1, NAN]]), EDGES) == "33.3 % edges"


@pytest.mark.parametrize("target", [CLASSES, METRES, NORMALS, EDGES])
def test_a_legend_stands_below_and_leaves_the_image_as_it_is(target: Dense) -> None:
    shown = np.array([[0, 1], [2, 2]]) if target is CLASSES else np.full((2, 2, target.channels), 0.5)
    whole = with_legend(Image.new("RGB", (120, 40), (9, 9, 9)), target, [shown])
    assert whole.width == 120
    assert np.all(np.asarray(whole)[:40] == 9)
    below = np.asarray(whole)[40:]
    assert len(np.unique(below.reshape(-1, 3), axis=0)) > 3
    if target is CLASSES:
        for colour in map_class_colours(3):
            assert (below == colour).all(axis=-1).any()


def test_many_classes_are_cut_with_a_word_on_the_rest() -> None:
    many = Dense(40, "class", tuple(f"class {label}" for label in range(40)))
    image = Image.new("RGB", (200, 10))
    few = with_legend(image, many, [np.arange(3)[None]])
    assert with_legend(image, many, [np.arange(40)[None]]).height > few.height
    assert with_legend(image, many, [np.arange(12)[None]]).height < 8 * 22


def test_a_map_of_another_form_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"a map in 'metre': got the shape \(2, 2, 3\); want \(h, w\)"):
        draw_map(np.zeros((2, 2, 3)), METRES)
    with pytest.raises(ConfigError, match=r"draw_errors: got maps of the shapes \(2, 2\) and \(2, 3\); want the same"):
        draw_errors(np.zeros((2, 2)), np.zeros((2, 3)), METRES)
