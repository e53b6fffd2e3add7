"""Sizes of a detector's views: DETR's rounding, crops inside the picture, sizes read from headers."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError, MemoryImage, rng_for
from motet.preprocess.detr_views import DetrViews, shortest_side
from motet.preprocess.images import decode
from motet.preprocess.open_image import header_size_hw

VIEWS = DetrViews(800, 1333, tuple(range(480, 801, 32)), 0.5, (400, 500, 600), (384, 600))
BOTH = frozenset({"hflip", "crop"})


def picture(mode: str, size: tuple[int, int], orientation: int = 1, kind: str = "JPEG") -> MemoryImage:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new(mode, size).save(buffer, kind, exif=exif)
    return MemoryImage("a", buffer.getvalue())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_header_says_what_decoding_gives(orientation: int) -> None:
    image = picture("RGB", (30, 20), orientation)
    decoded = decode(image)
    assert header_size_hw(image) == (decoded.height, decoded.width)
    with pytest.raises(DataError, match="broken"):
        header_size_hw(MemoryImage("broken", b"no"))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [((480, 640), (800, 1066)), ((640, 480), (1066, 800)), ((300, 1000), (400, 1333)), ((7, 7), (800, 800))],
)
def test_evaluation_resizes_the_shortest_side(source, wanted) -> None:
    assert VIEWS.plain(source).size_hw == wanted
    assert shortest_side(source, 800, 1333) == wanted


def test_training_draws_sizes_flips_and_crops_of_the_wanted_sides() -> None:
    drawn = [VIEWS.draw((480, 640), BOTH, rng_for("draw", i), scales=True) for i in range(400)]
    cropped = [g for g in drawn if g.crop_xyxy != (0, 0, 640, 480)]
    assert 140 < len(cropped) < 260
    assert 140 < sum(g.hflip for g in drawn) < 260
    assert {min(g.size_hw) for g in drawn if g not in cropped} == set(VIEWS.sizes)
    for geometry in cropped:
        x0, y0, x1, y1 = geometry.crop_xyxy
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480
        # 384 to 600 pixels of a picture whose shortest side is 400, 500 or 600
        assert min(x1 - x0, y1 - y0) >= 384 * 480 / 600 - 1
        assert max(geometry.size_hw) <= 1333
        assert np.isclose((y1 - y0) / (x1 - x0), geometry.size_hw[0] / geometry.size_hw[1], rtol=0.02)


def test_what_a_task_does_not_allow_is_not_done() -> None:
    for index in range(30):
        assert not VIEWS.draw((480, 640), frozenset(), rng_for("draw", index), scales=True).hflip
        geometry = VIEWS.draw((480, 640), frozenset({"hflip"}), rng_for("draw", index), scales=True)
        assert geometry.crop_xyxy == (0, 0, 640, 480)
        assert VIEWS.draw((480, 640), frozenset(), rng_for("draw", index), scales=False) == VIEWS.plain((480, 640))
    assert not replace(VIEWS, hflip=False).draw((480, 640), BOTH, rng_for("draw", 1), scales=True).hflip


def test_an_image_smaller_than_a_crop_keeps_what_it_has() -> None:
    for index in range(40):
        geometry = replace(VIEWS, crop_part=1.0).draw((3, 90), BOTH, rng_for("draw", index), scales=True)
        x0, y0, x1, y1 = geometry.crop_xyxy
        assert 0 <= x0 < x1 <= 90
        assert 0 <= y0 < y1 <= 3
