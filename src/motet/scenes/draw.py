"""Rendering of scenes to pixels, and the place and mask of each thing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motet.scenes.drawings import Style, smallest_sufficient_drawing
from motet.scenes.fonts import letters_path
from motet.scenes.grounds import render_ground
from motet.scenes.layout import Scene, Thing, Writing

DRAW_VERSION = 1  # raise it whenever a scene gives other pixels: it is part of the keys of stored features
_FILL, _REACH = 0.9, 1.25  # a box's geometric mean side, and its longest side at most, in sides of its cell


@dataclass(frozen=True)
class PlacedThing:
    """A thing as pixels.

    Args:
        thing: that is drawn.
        image: RGBA, cropped tightly.
        x0: column of the scene image where it starts.
        y0: row of the scene image where it starts.
    """

    thing: Thing
    image: Image.Image
    x0: int
    y0: int


def place_thing(thing: Thing, size_hw: tuple[int, int], style: Style) -> PlacedThing:
    """Returns a thing's pixels and their place, always completely inside the image."""
    height, width = size_hw
    cell = thing.side * min(height, width)
    drawing = smallest_sufficient_drawing(thing.drawing, _REACH * cell, style)
    aspect = (drawing.width / drawing.height) ** 0.5
    mean = min(_FILL * cell, _REACH * cell / max(aspect, 1 / aspect))
    w, h = max(2, round(mean * aspect)), max(2, round(mean / aspect))
    image = drawing.resize((w, h), Image.Resampling.BILINEAR)
    x0 = min(max(round(thing.x * width - w / 2), 0), width - w)
    y0 = min(max(round(thing.y * height - h / 2), 0), height - h)
    return PlacedThing(thing, image, x0, y0)


def place_things(scene: Scene, size_hw: tuple[int, int], style: Style) -> tuple[PlacedThing, ...]:
    """Returns the pixels of every thing of a scene, in the scene's order (left to right)."""
    return tuple(place_thing(thing, size_hw, style) for thing in scene.things)


def draw_scene(scene: Scene, size_hw: tuple[int, int], style: Style = "colour") -> np.ndarray:
    """Returns the image of a scene, uint8 RGB (h, w, 3).

    Examples:
        >>> from motet.scenes import Scenes
        >>> draw_scene(Scenes(part="train", count=1).scene(0), (64, 96)).shape
        (64, 96, 3)
    """
    canvas = Image.fromarray(render_ground(scene.ground, size_hw, grey=style == "line"))
    if scene.writing is not None:
        _write(canvas, scene.writing)
    for placed in sorted(place_things(scene, size_hw, style), key=lambda placed: placed.thing.layer):
        canvas.paste(placed.image, (placed.x0, placed.y0), placed.image)
    return np.asarray(canvas)


def coverage_mask(placed: PlacedThing, size_hw: tuple[int, int]) -> np.ndarray:
    """Returns the mask of a thing, hidden pixels included, bool (h, w)."""
    full = np.zeros(size_hw, dtype=bool)
    alpha = np.asarray(placed.image.getchannel("A"))
    full[placed.y0 : placed.y0 + alpha.shape[0], placed.x0 : placed.x0 + alpha.shape[1]] = alpha >= 128
    return full


def _write(canvas: Image.Image, writing: Writing) -> None:
    """Draws a plate with large plain letters, as wide as they need."""
    height = writing.height * canvas.height
    font = _letters(max(6, round(0.88 * height)))
    pen = ImageDraw.Draw(canvas)
    middle = (writing.x * canvas.width, writing.y * canvas.height)
    half = min(font.getlength(writing.text) / 2 + 0.22 * height, canvas.width / 2 - 1)
    x = min(max(middle[0], half + 1), canvas.width - half - 1)
    plate, ink = ((30, 30, 36), (250, 250, 245)) if writing.dark else ((250, 250, 245), (25, 25, 30))
    corners = (x - half, middle[1] - height / 2, x + half, middle[1] + height / 2)
    pen.rounded_rectangle(corners, radius=0.18 * height, fill=plate)
    # Centred on the height of small letters, so that words with and without long strokes are at the same height.
    pen.text((x, middle[1] + 0.24 * height), writing.text, font=font, fill=ink, anchor="ms")


@cache
def _letters(pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(letters_path()), pixels, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_name("Bold")
    return font
