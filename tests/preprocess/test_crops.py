"""Crops stay inside the image, have their area and shape, and cover the image evenly."""

import numpy as np
import pytest

from motet.core import ConfigError
from motet.preprocess.crops import Crop, InceptionCrop, RandomCrop, SquareCrop, Whole

SIZES = [(1, 1), (3, 50), (37, 41), (480, 640), (2000, 3)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "crop", [Whole(), RandomCrop(), RandomCrop(0.01), InceptionCrop(), InceptionCrop(0.05), SquareCrop()]
)
def test_a_crop_is_inside_the_image_and_has_pixels(crop: Crop, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        x0, y0, x1, y1 = crop.box(size, rng)
        assert 0 <= x0 < x1 <= size[1]
        assert 0 <= y0 < y1 <= size[0]


def test_no_crop_draws_nothing() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert Whole().box((10, 20), rng) == (0, 0, 20, 10)
    assert rng.bit_generator.state == before


def test_a_random_crop_has_a_fixed_size_at_every_place() -> None:
    rng = np.random.default_rng(0)
    boxes = [RandomCrop(0.75).box((8, 4), rng) for _ in range(500)]
    assert {(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes} == {(3, 6)}
    assert {(x0, y0) for x0, y0, _, _ in boxes} == {(x, y) for x in range(2) for y in range(3)}


def test_an_inception_crop_keeps_to_its_area_and_aspect() -> None:
    rng, crop = np.random.default_rng(0), InceptionCrop(0.3, 0.8, (0.5, 2.0))
    boxes = np.array([crop.box((300, 400), rng) for _ in range(500)])
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    areas, aspects = widths * heights / (300 * 400), widths / heights
    assert areas.min() >= 0.3
    assert areas.max() <= 0.8
    assert areas.max() - areas.min() > 0.4
    assert aspects.min() > 0.49
    assert aspects.max() < 2.02


@pytest.mark.parametrize("size", [(500, 260), (260, 500), (480, 640), (40, 40)])
def test_an_inception_crop_touches_the_far_edge_only_when_it_spans_the_axis(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([InceptionCrop().box(size, rng) for _ in range(1000)])
    for axis, side in ((0, size[1]), (1, size[0])):
        smaller = boxes[boxes[:, axis + 2] - boxes[:, axis] < side]
        assert (smaller[:, axis + 2] < side).all()
        assert (smaller[:, axis] == 0).any()


def test_an_impossible_inception_crop_is_the_whole_image() -> None:
    assert InceptionCrop(0.9, 1.0, (0.75, 1.33)).box((2, 1000), np.random.default_rng(0)) == (0, 0, 1000, 2)


def test_shares_out_of_range_are_errors() -> None:
    for part in (0, 1.1):
        with pytest.raises(ConfigError, match=r"RandomCrop\.part: got"):
            RandomCrop(part)
    for areas in ((0, 1), (0.6, 0.5), (0.5, 1.5)):
        with pytest.raises(ConfigError, match="want 0 < min <= max <= 1"):
            InceptionCrop(*areas)


def test_a_square_crop_is_as_long_as_the_shorter_side_and_anywhere_along_the_longer() -> None:
    rng = np.random.default_rng(0)
    boxes = [SquareCrop().box((30, 90), rng) for _ in range(400)]
    assert {(x1 - x0, y0, y1) for x0, y0, x1, y1 in boxes} == {(30, 0, 30)}
    assert {x0 for x0, *_ in boxes} == set(range(61))
    sides = {x1 - x0 for x0, _, x1, _ in (SquareCrop((0.7, 0.875)).box((300, 320), rng) for _ in range(200))}
    assert min(sides) >= 210
    assert max(sides) <= 263
    with pytest.raises(ConfigError, match=r"SquareCrop.part: got \(0.9, 0.5\); want 0 < least <= largest <= 1"):
        SquareCrop((0.9, 0.5))
