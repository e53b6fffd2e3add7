"""Answers drawn on the pictures they are about: boxes with their names, and lines of text below."""

from __future__ import annotations

import colorsys
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

from motet.core import BoxSet

Tone: TypeAlias = tuple[int, int, int]
_INK, _PAPER = (28, 28, 32), (252, 252, 250)
_TONES = (
    (214, 48, 49), (34, 102, 204), (26, 137, 67), (186, 104, 0), (134, 58, 178), (0, 131, 143), (191, 44, 122),
    (92, 92, 20), (84, 84, 94), (120, 66, 40),
)  # fmt: skip


def draw_boxes(
    picture: Image.Image,
    boxes: BoxSet,
    names: Sequence[str],
    scale: float = 1.0,
    *,
    attributes: Sequence[str] = (),
    scores: bool = False,
    min_score: float = 0.0,
) -> Image.Image:
    """A copy of a picture with boxes and names on it, a colour for each class, the surest on top.

    Args:
        picture: what to draw on.
        boxes: in pixels of the unscaled picture; sides beyond it are drawn at its border.
        names: of the boxes' labels.
        scale: how many times larger the picture is than the one the boxes are of.
        attributes: their names; said before the thing's. () leaves them out.
        scores: write each box's score behind its name.
        min_score: boxes below are left out.

    Examples:
        >>> import numpy as np
        >>> cat = BoxSet(np.array([[4.0, 20.0, 60.0, 60.0]]), np.array([0]), np.ones(1))
        >>> white = Image.new("RGB", (64, 64), "white")
        >>> draw_boxes(white, cat, ["cat"]).getpixel((4, 40))
        (214, 48, 49)
    """
    picture = picture.convert("RGB")
    pen, font = ImageDraw.Draw(picture), letters(max(12, round(min(picture.size) / 36)))
    line = max(2, round(min(picture.size) / 220))
    shown = [place for place in range(len(boxes.labels)) if boxes.scores[place] >= min_score]
    shown.sort(key=lambda place: float(boxes.scores[place]))
    corners = {place: _inside(boxes.boxes_xyxy[place] * scale, picture) for place in shown}
    for place in shown:
        x0, y0, x1, y1 = corners[place]
        tone = tone_of(int(boxes.labels[place]))
        pen.rectangle((x0 - 1, y0 - 1, max(x1, x0), max(y1, y0)), outline=tone, width=line)
    plates: list[tuple[float, float, float, float]] = []
    # The surest name is placed first: it gets the best place.
    for place in reversed(shown):
        text = said_of(boxes, place, names, attributes=attributes, scores=scores)
        plate = _plate(pen, font, text, corners[place], picture.size, plates)
        plates.append(plate)
        pen.rectangle(plate, fill=tone_of(int(boxes.labels[place])))
        pen.text((plate[0] + 3, (plate[1] + plate[3]) / 2), text, font=font, fill=(255, 255, 255), anchor="lm")
    return picture


def said_of(
    boxes: BoxSet, place: int, names: Sequence[str], *, attributes: Sequence[str] = (), scores: bool = False
) -> str:
    """One box in words: "red large cat 0.93".

    Examples:
        >>> import numpy as np
        >>> cat = BoxSet(np.zeros((1, 4)), np.array([0]), np.array([0.93]), ((1, 0),))
        >>> said_of(cat, 0, ["cat"], attributes=["large", "red"], scores=True)
        'red large cat 0.93'
    """
    described = [attributes[index] for index in boxes.attributes[place]] if attributes and boxes.attributes else []
    score = [f"{float(boxes.scores[place]):.2f}"] if scores else []
    return " ".join([*described, names[int(boxes.labels[place])], *score])


def side_by_side(panels: Sequence[tuple[str, Image.Image]], *, height: int = 240) -> Image.Image:
    """Pictures of one height in a row, each under its title.

    Args:
        panels: titles and pictures.
        height: of each picture in pixels.
    """
    font, gap, head = letters(14), 6, 20
    sized = [(title, picture.resize((_width(picture, height), height))) for title, picture in panels]
    canvas = Image.new("RGB", (sum(p.width + gap for _, p in sized) - gap, height + head), _PAPER)
    pen, left = ImageDraw.Draw(canvas), 0
    for title, picture in sized:
        pen.text((left + 2, head / 2), title, font=font, fill=_INK, anchor="lm")
        canvas.paste(picture, (left, head))
        left += picture.width + gap
    return canvas


def with_caption(picture: Image.Image, text: str) -> Image.Image:
    """A picture with a text below it."""
    picture = picture.convert("RGB")
    size = max(14, round(min(picture.size) / 28))
    font = letters(size)
    lines = [
        part for line in text.splitlines() for part in textwrap.wrap(line, max(8, int(picture.width / (size * 0.58))))
    ]
    step = round(size * 1.4)
    canvas = Image.new("RGB", (picture.width, picture.height + step * len(lines) + size // 2), _PAPER)
    canvas.paste(picture, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text(
            (size // 2, picture.height + size // 4 + step * (number + 0.5)), line, font=font, fill=_INK, anchor="lm"
        )
    return canvas


def tone_of(label: int) -> Tone:
    """A class's colour, dark enough for white letters; the first ten are told apart most easily.

    Examples:
        >>> len({tone_of(label) for label in range(80)})
        80
    """
    if label < len(_TONES):
        return _TONES[label]
    # Steps of the golden angle never come back to a hue.
    red, green, blue = colorsys.hls_to_rgb(label * 0.381966 % 1.0, 0.26 + 0.04 * (label % 3), 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def letters_path() -> Path:
    """Where the font for written text lies (Noto Sans, variable)."""
    import fontpkg_noto_sans

    return Path(fontpkg_noto_sans.__file__).parent / "files" / "NotoSans[wdth,wght].ttf"


@cache
def letters(pixels: int) -> ImageFont.FreeTypeFont:
    """The font at a size."""
    return ImageFont.truetype(str(letters_path()), pixels, layout_engine=ImageFont.Layout.BASIC)


def _inside(box: Sequence[float], picture: Image.Image) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in box)
    width, height = picture.size
    return (
        min(max(x0, 1.0), width - 2.0),
        min(max(y0, 1.0), height - 2.0),
        max(min(x1, width - 1.0), 1.0),
        max(min(y1, height - 1.0), 1.0),
    )


def _plate(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    text: str,
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    taken: Sequence[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """Where a name goes: above its box, below it or in it, wherever it hides no other name."""
    x0, y0, x1, y1 = box
    width, height = pen.textlength(text, font=font) + 5, font.size * 1.2
    tops = (y0 - height - 1, y1, y0 + 1, y1 - height - 1, y0 + 2 * height, y0 - 2 * height - 1, y1 + height)
    plates = []
    for top in tops:
        for left in (x0 - 1, x1 - width):
            left = max(0.0, min(left, size[0] - width))
            plates.append((left, top, left + width, top + height))
    fitting = [plate for plate in plates if plate[1] >= 0 and plate[3] <= size[1]]
    free = [plate for plate in fitting if not any(_meet(plate, other) for other in taken)]
    left, top = max(0.0, min(x0 - 1, size[0] - width)), max(0.0, min(y0, size[1] - height))
    return next(iter(free or fitting), (left, top, left + width, top + height))


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _width(picture: Image.Image, height: int) -> int:
    return max(1, round(picture.width * height / picture.height))
