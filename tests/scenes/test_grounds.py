"""Backgrounds."""

import numpy as np
import pytest

from motet.core import rng_for
from motet.scenes.grounds import TEXTURES, Ground, render_ground, sample_ground


def ground(texture) -> Ground:
    return Ground(texture, (200, 180, 220), (170, 210, 200), 0.4, 6.0, 7)


@pytest.mark.parametrize("texture", TEXTURES)
def test_every_texture_has_the_size_and_is_the_same_twice(texture) -> None:
    image = render_ground(ground(texture), (40, 60))
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert (image == render_ground(ground(texture), (40, 60))).all()


@pytest.mark.parametrize("texture", ["stripes", "checks", "clouds"])
def test_a_larger_image_shows_the_same_texture(texture) -> None:
    small = render_ground(ground(texture), (64, 64)).astype(float)
    large = render_ground(ground(texture), (256, 256)).reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.8


def test_light_and_dark_grounds_do_not_overlap() -> None:
    light, dark = ([sample_ground(rng_for("t", n), tone) for n in range(200)] for tone in ("light", "dark"))
    assert min(min(g.first) for g in light) >= 185
    assert max(max(g.first) for g in dark) < 95
    assert {g.texture for g in light} == set(TEXTURES)


def test_a_grey_ground_has_no_colour() -> None:
    image = render_ground(ground("dots"), (32, 32), grey=True)
    assert (image.max(-1) == image.min(-1)).all()
    assert len(np.unique(image)) > 1
