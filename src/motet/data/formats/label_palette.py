"""The palette of label images: a colour for each stored number."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np

from motet.data.formats.png_values import png_values
from motet.preprocess.open_image import open_image

Colour: TypeAlias = tuple[int, int, int]


def label_palette(path: Path) -> dict[int, Colour]:
    """Returns the colour of each number of an image with a palette; none of another image.

    Raises:
        DataError: no image.
    """
    with open_image(path, name=path, what="map") as image:
        flat = image.getpalette("RGB") if image.mode == "P" else None
    numbers = range(len(flat or ()) // 3)
    assert flat is not None or not numbers
    return (
        {number: (flat[3 * number], flat[3 * number + 1], flat[3 * number + 2]) for number in numbers} if flat else {}
    )


def with_palette(path: Path) -> np.ndarray:
    """Returns the colours of a label image, (h, w, 3): those of its palette, or its grey three times where it has none.

    Raises:
        DataError: as `png_values`.
    """
    stored = png_values(path)
    if stored.ndim == 3:
        return stored
    palette = label_palette(path)
    if not palette:
        return np.repeat(stored[..., None], 3, axis=2)
    table = np.zeros((max(256, len(palette)), 3), dtype=np.uint8)
    table[list(palette)] = list(palette.values())
    found: np.ndarray = table[stored]
    return found
