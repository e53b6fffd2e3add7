"""Legends below drawn maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from motet.core import Dense
from motet.core.printable import one_line
from motet.report.draw.dense import DEPTH_COLOURS, class_name, depth_range, interpolate_colours, map_class_colours
from motet.report.draw.lettering import INK, PAPER, RGB, font_of_size

_FOOT = 22
_MAX_NAMES = 12
_DIRECTIONS: tuple[tuple[str, RGB], ...] = (
    ("right", (255, 127, 127)), ("up", (127, 255, 127)), ("to the viewer", (127, 127, 255)),
)  # fmt: skip
"""Directions in the colours that `draw_map` gives them."""


def with_legend(image: Image.Image, target: Dense, maps: Sequence[np.ndarray]) -> Image.Image:
    """Returns an image with a legend below it: the most frequent classes of the maps, or a bar of metres.

    Args:
        image: one drawn map or several side by side, of any size.
        target: the kind of map.
        maps: the maps that are drawn, without a channel dimension.
    """
    match target.unit:
        case "class":
            return _with_classes(image, target, maps)
        case "metre":
            return _with_bar(image, *depth_range(maps))
        case "unit vector":
            return with_colour_names(image, _DIRECTIONS)
        case "probability":
            return _with_line(image, "dark: edge")


def _with_classes(image: Image.Image, target: Dense, maps: Sequence[np.ndarray]) -> Image.Image:
    counts = np.sum([np.bincount(one[one >= 0].reshape(-1), minlength=target.channels) for one in maps], axis=0)
    order = [label for label in np.argsort(-counts, kind="stable").tolist() if counts[label]]
    colours = map_class_colours(target.channels)
    named: list[tuple[str, RGB | None]] = [
        (class_name(target, label), _tone(colours[label])) for label in order[:_MAX_NAMES]
    ]
    rest = len(order) - len(named)
    return with_colour_names(image, [*named, *([(f"and {rest} more", None)] if rest > 0 else [])])


def with_colour_names(image: Image.Image, named: Sequence[tuple[str, RGB | None]]) -> Image.Image:
    """Returns an image with names below it, each after a patch of its colour.

    Args:
        image: of any size.
        named: names and their colours; None for a name without one.
    """
    font, left = font_of_size(12), 6.0
    lines: list[list[tuple[str, RGB | None, float]]] = [[]]
    for name, tone in named:
        text = one_line(name)
        wide = 18 + font.getlength(text) + 12
        if left + wide > image.width and lines[-1]:
            lines.append([])
            left = 6.0
        lines[-1].append((text, tone, left))
        left += wide
    canvas = _higher(image, _FOOT * len(lines))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        middle = image.height + _FOOT * (number + 0.5)
        for text, colour, x in line:
            if colour is not None:
                pen.rectangle((x, middle - 6, x + 12, middle + 6), fill=colour, outline=INK)
            pen.text((x + 17, middle), text, font=font, fill=INK, anchor="lm")
    return canvas


def _with_bar(image: Image.Image, low: float, high: float) -> Image.Image:
    canvas = _higher(image, _FOOT)
    pen, font, middle = ImageDraw.Draw(canvas), font_of_size(12), image.height + _FOOT / 2
    near, far = f"{low:.1f} m", f"{high:.1f} m"
    left, right = 10 + font.getlength(near), min(image.width - 12 - font.getlength(far), 320.0)
    if right > left:
        shades = interpolate_colours(np.linspace(0, 1, round(right - left))[None], DEPTH_COLOURS).astype(np.uint8)
        canvas.paste(Image.fromarray(np.repeat(shades, 12, axis=0)), (round(left), round(middle - 6)))
    pen.text((6, middle), near, font=font, fill=INK, anchor="lm")
    pen.text((right + 4, middle), far, font=font, fill=INK, anchor="lm")
    return canvas


def _with_line(image: Image.Image, text: str) -> Image.Image:
    canvas = _higher(image, _FOOT)
    ImageDraw.Draw(canvas).text((6, image.height + _FOOT / 2), text, font=font_of_size(12), fill=INK, anchor="lm")
    return canvas


def _higher(image: Image.Image, more: int) -> Image.Image:
    canvas = Image.new("RGB", (image.width, image.height + more), PAPER)
    canvas.paste(image.convert("RGB"), (0, 0))
    return canvas


def _tone(colour: np.ndarray) -> RGB:
    red, green, blue = colour.tolist()
    return red, green, blue
