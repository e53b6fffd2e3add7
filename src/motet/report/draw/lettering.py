"""The font of text on images, and the colours of ink and paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TypeAlias

from matplotlib import get_data_path
from PIL import ImageFont

RGB: TypeAlias = tuple[int, int, int]
INK: RGB = (28, 28, 32)
PAPER: RGB = (252, 252, 250)


@cache
def font_of_size(pixels: int) -> ImageFont.FreeTypeFont:
    """Returns DejaVu Sans, which comes with matplotlib, at a size in pixels."""
    return ImageFont.truetype(
        str(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), pixels, layout_engine=ImageFont.Layout.BASIC
    )
