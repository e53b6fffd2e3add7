"""Scene to pixels: the picture, and what of each thing lies where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motet.scenes.drawings import Style, drawing_at_least
from motet.scenes.fonts import letters_path
from motet.scenes.grounds import paint
from motet.scenes.layout import Scene, Thing, Writing

DRAW_VERSION = 1  # raised whenever the same scene would give other pixels: stored features know it
_FILL, _REACH = 0.9, 1.25  # a box's geometric mean side, and its longest side at most, in sides of its cell


@dataclass(frozen=True)
class Placed:
    """A thing as pixels.

    Args:
        thing: which.
        image: RGBA, cut tight.
        x0: the picture's column where it starts.
        y0: the picture's row where it starts.
    """

    thing: Thing
    image: Image.Image
    x0: int
    y0: int


def place(thing: Thing, size_hw: tuple[int, int], style: Style) -> Placed:
    """Where a thing's pixels go; always wholly inside the picture."""
    height, width = size_hw
    cell = thing.side * min(height, width)
    kept = drawing_at_least(thing.drawing, _REACH * cell, style)
    aspect = (kept.width / kept.height) ** 0.5
    mean = min(_FILL * cell, _REACH * cell / max(aspect, 1 / aspect))
    w, h = max(2, round(mean * aspect)), max(2, round(mean / aspect))
    image = kept.resize((w, h), Image.Resampling.BILINEAR)
    x0 = min(max(round(thing.x * width - w / 2), 0), width - w)
    y0 = min(max(round(thing.y * height - h / 2), 0), height - h)
    return Placed(thing, image, x0, y0)


def place_all(scene: Scene, size_hw: tuple[int, int], style: Style) -> tuple[Placed, ...]:
    """Every thing of a scene, in the scene's order (left to right)."""
    return tuple(place(thing, size_hw, style) for thing in scene.things)


def draw_scene(scene: Scene, size_hw: tuple[int, int], style: Style = "colour") -> np.ndarray:
    """The picture, uint8 RGB (h, w, 3).

    Examples:
        >>> from motet.scenes import Scenes
        >>> draw_scene(Scenes(part="train", count=1).scene(0), (64, 96)).shape
        (64, 96, 3)
    """
    canvas = Image.fromarray(paint(scene.ground, size_hw, grey=style == "line"))
    if scene.writing is not None:
        _write(canvas, scene.writing)
    for placed in sorted(place_all(scene, size_hw, style), key=lambda placed: placed.thing.layer):
        canvas.paste(placed.image, (placed.x0, placed.y0), placed.image)
    return np.asarray(canvas)


def solid(placed: Placed, size_hw: tuple[int, int]) -> np.ndarray:
    """Which pixels a thing covers, hidden ones too, bool (h, w)."""
    full = np.zeros(size_hw, dtype=bool)
    alpha = np.asarray(placed.image.getchannel("A"))
    full[placed.y0 : placed.y0 + alpha.shape[0], placed.x0 : placed.x0 + alpha.shape[1]] = alpha >= 128
    return full


def _write(canvas: Image.Image, writing: Writing) -> None:
    """A plate with big plain letters, as wide as they need."""
    height = writing.height * canvas.height
    font = _letters(max(6, round(0.88 * height)))
    pen = ImageDraw.Draw(canvas)
    middle = (writing.x * canvas.width, writing.y * canvas.height)
    half = min(font.getlength(writing.text) / 2 + 0.22 * height, canvas.width / 2 - 1)
    x = min(max(middle[0], half + 1), canvas.width - half - 1)
    plate, ink = ((30, 30, 36), (250, 250, 245)) if writing.dark else ((250, 250, 245), (25, 25, 30))
    corners = (x - half, middle[1] - height / 2, x + half, middle[1] + height / 2)
    pen.rounded_rectangle(corners, radius=0.18 * height, fill=plate)
    # "x" sets the middle of small letters: words with and without long strokes then sit alike.
    pen.text((x, middle[1] + 0.24 * height), writing.text, font=font, fill=ink, anchor="ms")


@cache
def _letters(pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(letters_path()), pixels, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_name("Bold")
    return font
