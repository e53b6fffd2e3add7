"""Reads the numbers of an image file as they are stored: 8 or 16 bits, one or three channels, or palette indices."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from motet.core import DataError
from motet.data.formats.text_file import read_bytes

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, zlib.error)
_FORMATS = ("PNG", "JPEG", "PPM", "TIFF", "BMP", "WEBP")
_START = b"\x89PNG\r\n\x1a\n"
_BITS, _COLOUR = 24, 25  # their offsets in the header of a PNG
_OF_COLOURS = frozenset({2, 6})


def png_values(path: Path) -> np.ndarray:
    """Returns the stored numbers, (h, w) or (h, w, channels), uint8, uint16 or wider; of a palette the indices.

    Pillow reduces colours of 16 bits to 8, so torchvision decodes those.

    Raises:
        DataError: no such file, not an image, a broken one, or one larger than Pillow allows; it names the file.
    """
    data = read_bytes(path) if _wide(path) else b""
    if data:
        return _wide_values(data, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes below the limit, and odd metadata
            with Image.open(path, formats=_FORMATS) as image:
                if image.mode == "1":
                    return np.asarray(image.convert("L"))
                return np.asarray(image)
    except FileNotFoundError as error:
        raise DataError("map: got no such file; want a readable image", path=path) from error
    except UnidentifiedImageError as error:
        raise DataError("map: got a file that is no image; want a PNG", path=path) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"map: got one too large ({error}); want an image", path=path) from error
    except _BROKEN as error:
        raise DataError(f"map: got {str(error) or type(error).__name__}; want a whole image", path=path) from error


def _wide(path: Path) -> bool:
    """Returns True for a PNG with several channels of 16 bits each."""
    try:
        with open(path, "rb") as file:
            head = file.read(_COLOUR + 1)
    except OSError as error:
        raise DataError(f"map: got {error.strerror or error}; want a readable image", path=path) from error
    return len(head) > _COLOUR and head.startswith(_START) and head[_BITS] == 16 and head[_COLOUR] in _OF_COLOURS


def _wide_values(data: bytes, path: Path) -> np.ndarray:
    # Imported here, since only two data sets need it and the import takes a second.
    import torch
    from torchvision.io import ImageReadMode, decode_png

    try:
        decoded = decode_png(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=ImageReadMode.UNCHANGED)
    except RuntimeError as error:
        raise DataError("map: got a broken PNG of 16 bits per channel; want a whole image", path=path) from error
    values: np.ndarray = decoded.permute(1, 2, 0).numpy()
    return values
