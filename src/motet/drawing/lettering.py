"""The letters that are written on pictures, and the colours of ink and paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TypeAlias

from PIL import ImageFont

Tone: TypeAlias = tuple[int, int, int]
INK: Tone = (28, 28, 32)
PAPER: Tone = (252, 252, 250)


def letters_path() -> Path:
    """Where the font for written text lies (Noto Sans, variable)."""
    import fontpkg_noto_sans

    return Path(fontpkg_noto_sans.__file__).parent / "files" / "NotoSans[wdth,wght].ttf"


@cache
def letters(pixels: int) -> ImageFont.FreeTypeFont:
    """The font at a size."""
    return ImageFont.truetype(str(letters_path()), pixels, layout_engine=ImageFont.Layout.BASIC)
