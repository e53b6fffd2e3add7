"""Small images of coloured things, and the box of each: what the tools' files describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 48, 40
NAMES = "cat", "dog"
_COLOURS = {"cat": (200, 60, 40), "dog": (40, 90, 210), "ship": (30, 160, 60)}


@dataclass(frozen=True)
class Thing:
    """Something in an image.

    Args:
        name: its class.
        left: of its box, in pixels counted from 0, as are the others; the right and lower end do not belong to it.
        top: of its box.
        right: of its box.
        bottom: of its box.
    """

    name: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def things_of(number: int) -> tuple[Thing, ...]:
    """Returns what image `number` shows: one thing or two; no image shows what another does."""
    left, top = 2 + number % 5, 3 + number // 5
    first = Thing(NAMES[number % 2], left, top, left + 16, top + 14)
    second = Thing(NAMES[(number + 1) % 2], left + 20, top + 8, left + 36, top + 26)
    return (first, second) if number % 3 else (first,)


def draw(path: Path, number: int, *, size: tuple[int, int] = (WIDTH, HEIGHT)) -> tuple[Thing, ...]:
    """Draws image `number` into a file and returns what it shows."""
    image = Image.new("RGB", size, (235 - 3 * number, 230, 220))
    pen = ImageDraw.Draw(image)
    for thing in things_of(number):
        pen.rectangle((thing.left, thing.top, thing.right - 1, thing.bottom - 1), fill=_COLOURS[thing.name])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return things_of(number)
