"""Composition of images: side by side with titles, framed, and with text or weights below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw

from motet.core.printable import one_line
from motet.report.draw.lettering import INK, PAPER, RGB, font_of_size

_BAR: RGB = (196, 84, 44)


def side_by_side(panels: Sequence[tuple[str, Image.Image]], *, height: int | None = 240) -> Image.Image:
    """Returns images in a row, each below its title.

    Args:
        panels: titles and images.
        height: of each image in pixels; with None each keeps its own.
    """
    font, gap, head = font_of_size(14), 6, 20
    sized = [
        (title, image if height is None else image.resize((_width(image, height), height))) for title, image in panels
    ]
    high = max(image.height for _, image in sized)
    canvas = Image.new("RGB", (sum(p.width + gap for _, p in sized) - gap, high + head), PAPER)
    pen, left = ImageDraw.Draw(canvas), 0
    for title, image in sized:
        pen.text((left + 2, head / 2), one_line(title), font=font, fill=INK, anchor="lm")
        canvas.paste(image, (left, head))
        left += image.width + gap
    return canvas


def with_caption(image: Image.Image, text: str) -> Image.Image:
    """Returns an image with a wrapped text below it."""
    image = image.convert("RGB")
    size = max(14, round(min(image.size) / 28))
    font = font_of_size(size)
    lines = [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(one_line(line), max(8, int(image.width / (size * 0.58))))
    ]
    step = round(size * 1.4)
    canvas = Image.new("RGB", (image.width, image.height + step * len(lines) + size // 2), PAPER)
    canvas.paste(image, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        pen.text((size // 2, image.height + size // 4 + step * (number + 0.5)), line, font=font, fill=INK, anchor="lm")
    return canvas


def _width(image: Image.Image, height: int) -> int:
    return max(1, round(image.width * height / image.height))


def framed(image: Image.Image, tone: RGB) -> Image.Image:
    """Draws a thick frame inside the border of a copy of the image.

    Examples:
        >>> framed(Image.new("RGB", (60, 40)), (0, 128, 96)).getpixel((1, 20))
        (0, 128, 96)
    """
    copy = image.convert("RGB")
    line = max(3, round(min(copy.size) / 40))
    ImageDraw.Draw(copy).rectangle((0, 0, copy.width - 1, copy.height - 1), outline=tone, width=line)
    return copy


def with_weights(image: Image.Image, words: Sequence[str], weights: Sequence[float], *, most: int = 8) -> Image.Image:
    """Returns an image with words below it, each with a bar as long as its weight.

    Args:
        image: of any size.
        words: in their order.
        weights: of the words, from 0 to 1.
        most: the largest number of words, those of the largest weights.
    """
    image = image.convert("RGB")
    font, step, left = font_of_size(12), 17, round(image.width * 0.45)
    chosen = sorted(sorted(range(len(words)), key=lambda place: -weights[place])[:most])
    room, top = image.width - left - 4, max([weights[place] for place in chosen], default=0.0) or 1.0
    canvas = Image.new("RGB", (image.width, image.height + step * len(chosen) + 6), PAPER)
    canvas.paste(image, (0, 0))
    pen = ImageDraw.Draw(canvas)
    for number, place in enumerate(chosen):
        y = image.height + 4 + step * number
        pen.text(
            (left - 6, y + step / 2), _cut(pen, one_line(words[place]), left - 8), font=font, fill=INK, anchor="rm"
        )
        wide = max(1, round(room * weights[place] / top))
        pen.rectangle((left, y + 3, left + wide, y + step - 4), fill=_BAR)
        percent, inside = f"{100 * weights[place]:.0f} %", wide > 44
        at, tone = (left + wide - 4, PAPER) if inside else (left + wide + 4, INK)
        pen.text((at, y + step / 2), percent, font=font_of_size(10), fill=tone, anchor="rm" if inside else "lm")
    return canvas


def _cut(pen: ImageDraw.ImageDraw, word: str, width: float) -> str:
    """Returns a word cut to a width in pixels, with dots where it is cut."""
    if pen.textlength(word, font=font_of_size(12)) <= width:
        return word
    while word and pen.textlength(f"{word}...", font=font_of_size(12)) > width:
        word = word[:-1]
    return f"{word}..."
