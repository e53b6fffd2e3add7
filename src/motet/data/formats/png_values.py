"""Reads the numbers of an image file as they are stored: 8 or 16 bits, one or three channels, or palette indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageFile

from motet.core import DataError
from motet.core.regular_files import file_size
from motet.preprocess.open_image import open_image

_START = b"\x89PNG\r\n\x1a\n"
_BITS, _COLOUR = 24, 25  # their offsets in the header of a PNG
_OF_COLOURS = frozenset({2, 6})


def png_values(path: Path) -> np.ndarray:
    """Returns the stored numbers, (h, w) or (h, w, channels), uint8, uint16 or wider; of a palette the indices.

    Raises:
        DataError: no such file, not an image, a broken one, or one of more than `open_image.MAX_PIXELS`; it names the
            file.
    """
    if _wide(path):
        # Pillow decodes colours of 16 bits to their upper 8 bits, and as if they were stored in the other order to
        # their lower 8.
        upper, lower = (_bytes_of(path, order) for order in ("16B", "16L"))
        found: np.ndarray = upper.astype(np.uint16)
        found <<= 8
        found |= lower
        return found
    with open_image(path, name=path, what="map") as image:
        return np.asarray(image.convert("L") if image.mode == "1" else image)


def _wide(path: Path) -> bool:
    """Returns True for a PNG with several channels of 16 bits each."""
    try:
        file_size(path)
        with open(path, "rb") as file:
            head = file.read(_COLOUR + 1)
    except OSError as error:
        raise DataError(f"map: got {error.strerror or error}; want a readable image", path=path) from error
    return len(head) > _COLOUR and head.startswith(_START) and head[_BITS] == 16 and head[_COLOUR] in _OF_COLOURS


def _bytes_of(path: Path, order: str) -> np.ndarray:
    """Returns the upper ("16B") or lower ("16L") bytes of the channels."""
    with open_image(path, name=path, what="map") as image:
        assert isinstance(image, ImageFile.ImageFile)
        image.tile = [tile._replace(args=str(tile.args).replace("16B", order)) for tile in image.tile]
        return np.asarray(image)
