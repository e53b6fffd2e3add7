"""One geometric transform for a picture, its boxes and its maps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from motet.preprocess.geometry import Geometry

SOURCE = (40, 60)


@st.composite
def geometries(draw) -> Geometry:
    height, width = SOURCE
    x0, y0 = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    size_hw = draw(st.integers(1, 50)), draw(st.integers(1, 50))
    return Geometry((x0, y0, x1, y1), draw(st.booleans()), size_hw, SOURCE)


@given(geometries(), st.lists(st.tuples(*[st.floats(0, 1, width=16)] * 4), max_size=5))
@settings(max_examples=100, deadline=None)
def test_boxes_stay_inside_and_come_back_cut(geometry: Geometry, corners) -> None:
    height, width = SOURCE
    boxes = np.array(
        [[min(a, c) * width, min(b, d) * height, max(a, c) * width, max(b, d) * height] for a, b, c, d in corners]
    )
    moved, kept = geometry.boxes(boxes.reshape(-1, 4))
    assert (moved >= -1e-9).all()
    assert (moved <= np.array([*geometry.size_hw[::-1]] * 2) + 1e-9).all()
    assert (moved[:, 2:] > moved[:, :2]).all()
    x0, y0, x1, y1 = geometry.crop_xyxy
    cut = np.clip(boxes.reshape(-1, 4)[kept], (x0, y0, x0, y0), (x1, y1, x1, y1))
    np.testing.assert_allclose(geometry.boxes_back(moved), cut, atol=1e-6)


@given(geometries())
@settings(max_examples=50, deadline=None)
def test_a_pixel_of_a_map_is_a_pixel_of_the_source(geometry: Geometry) -> None:
    height, width = SOURCE
    x0, y0, x1, y1 = geometry.crop_xyxy
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1)
    moved = geometry.map(places)
    assert moved.shape == (*geometry.size_hw, 2)
    assert (moved >= (y0, x0)).all()
    assert (moved < (y1, x1)).all()
    columns = moved[0, :, 1]
    assert (np.diff(columns[::-1] if geometry.hflip else columns) >= 0).all()


def test_a_box_around_a_thing_is_around_it_after_crop_and_flip() -> None:
    pixels = np.zeros((*SOURCE, 3), dtype=np.uint8)
    pixels[10:20, 30:50] = 255
    geometry = Geometry((20, 5, 60, 25), True, (80, 160), SOURCE)
    image = geometry.pixels(Image.fromarray(pixels))
    (box,), kept = geometry.boxes(np.array([[30.0, 10.0, 50.0, 20.0]]))
    assert kept.tolist() == [0]
    np.testing.assert_allclose(box, [40, 20, 120, 60])
    x0, y0, x1, y1 = box.astype(int)
    assert (image[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4] == 255).all()
    assert image[: y0 - 4].max() == 0
    assert image[:, : x0 - 4].max() == 0
    assert image[:, x1 + 4 :].max() == 0
    mapped = geometry.map((pixels[..., 0] > 0).astype(int))
    assert mapped.sum() == (y1 - y0) * (x1 - x0)


def test_a_box_outside_the_crop_is_dropped_and_so_is_one_hardly_seen() -> None:
    geometry = Geometry((0, 0, 30, 40), False, (40, 30), SOURCE)
    boxes = np.array([[40.0, 0, 50, 10], [28.0, 0, 48, 10], [10.0, 0, 20, 10]])
    assert geometry.boxes(boxes)[1].tolist() == [1, 2]
    assert geometry.boxes(boxes, min_visible=0.5)[1].tolist() == [2]


@pytest.mark.parametrize("antialias", [False, True])
def test_a_flip_mirrors_the_image(antialias: bool) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SOURCE, 3), dtype=np.uint8))
    plain = Geometry((3, 2, 55, 38), False, (16, 24), SOURCE)
    flipped = Geometry((3, 2, 55, 38), True, (16, 24), SOURCE)
    expected = plain.pixels(image, antialias=antialias)[:, ::-1]
    np.testing.assert_array_equal(flipped.pixels(image, antialias=antialias), expected)


def test_pixels_do_not_look_past_the_crop() -> None:
    pixels = np.zeros((*SOURCE, 3), dtype=np.uint8)
    pixels[:, 30:] = 255
    inside = Geometry((0, 0, 30, 40), False, (80, 60), SOURCE)
    assert inside.pixels(Image.fromarray(pixels)).max() == 0
    assert inside.pixels(Image.fromarray(pixels), antialias=True).max() == 0


def test_a_flip_turns_the_x_of_unit_vectors() -> None:
    normals = np.zeros((2, 3, 3), dtype=np.float32)
    normals[..., 0] = np.array([0.1, 0.2, 0.3])
    flipped = Geometry((0, 0, 3, 2), True, (2, 3), (2, 3)).map(normals, unit_vectors=True)
    np.testing.assert_allclose(flipped[0, :, 0], [-0.3, -0.2, -0.1])


@given(geometries())
@settings(max_examples=50, deadline=None)
def test_a_map_comes_back_at_the_sources_size(geometry: Geometry) -> None:
    """A slope from left to right of the result is one in the crop, turned round by a flip; nothing is told outside."""
    height, width = geometry.size_hw
    slope = torch.linspace(0, 1, width).expand(height, width)[None]
    back = geometry.map_back(slope)
    assert back.shape == (1, *SOURCE)
    x0, y0, x1, y1 = geometry.crop_xyxy
    inside = np.zeros(SOURCE, dtype=bool)
    inside[y0:y1, x0:x1] = True
    assert np.array_equal(~back[0].isnan().numpy(), inside)
    row = back[0, y0, x0:x1]
    assert bool(((row.flip(0) if geometry.hflip else row).diff() >= -1e-6).all())
    assert Geometry.of(geometry.numbers) == geometry
