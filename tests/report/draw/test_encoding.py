"""Drawn images as bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from motet.report.draw.encoding import encode_png, media_type, thumbnail


@pytest.mark.parametrize(
    ("size_wh", "expected"), [((400, 200), (176, 88)), ((90, 360), (44, 176)), ((64, 20), (64, 20))]
)
def test_a_thumbnail_keeps_its_shape_and_is_never_enlarged(size_wh: tuple[int, int], expected: tuple[int, int]) -> None:
    made = Image.open(io.BytesIO(thumbnail(Image.new("RGB", size_wh))))
    assert made.size == expected


def test_tiny_images_lose_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    data = thumbnail(Image.fromarray(pixels))
    assert media_type(data) == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(data))) == pixels).all()
    assert media_type(thumbnail(Image.new("RGB", (65, 65)))) == "image/jpeg"


def test_a_png_keeps_transparency_and_a_thumbnail_takes_any_mode() -> None:
    assert Image.open(io.BytesIO(encode_png(Image.new("RGBA", (4, 4), (1, 2, 3, 4))))).getpixel((0, 0)) == (1, 2, 3, 4)
    for mode in ("1", "L", "P", "RGBA", "CMYK"):
        assert Image.open(io.BytesIO(thumbnail(Image.new(mode, (80, 80))))).mode == "RGB"
