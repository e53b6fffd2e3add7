"""The size of an image from its header: what boxes are checked against, without decoding."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from motet.core import DataError

_ORIENTATION = 0x0112
_ROTATED = frozenset({5, 6, 7, 8})  # EXIF: upright only after a quarter turn
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


def image_size_hw(file: Path) -> tuple[int, int]:
    """Height and width in pixels, upright as the EXIF orientation says, as the image comes when it is decoded.

    Raises:
        DataError: no image, or one whose header is broken; names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF data and huge sizes: whoever decodes it says what is wrong
            with Image.open(file) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION) in _ROTATED
    except UnidentifiedImageError as error:
        raise DataError("image: got a file that is none; want an image", path=file) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"image: got one too large ({error}); want an image", path=file) from error
    except _BROKEN as error:
        got = str(error) or type(error).__name__
        raise DataError(f"image: got {got}; want a whole image", path=file) from error
    return (width, height) if turned else (height, width)


def check_size(stated_hw: tuple[int, int] | None, file: Path, *, path: Path, row: int | str) -> tuple[int, int]:
    """The size of an image, when it is the one that an annotation gives.

    Boxes of another size would lie in the wrong places with nothing to show it, so this is never passed over.

    Args:
        given_hw: what the annotation says; None where it says nothing.
        file: the image.
        path: the annotation's file, for the error.
        row: its row, for the error.

    Raises:
        DataError: another size, or an image whose header cannot be read.
    """
    found_hw = image_size_hw(file)
    if stated_hw is not None and stated_hw != found_hw:
        got, want = (f"{width} x {height}" for height, width in (stated_hw, found_hw))
        raise DataError(f"size: got {got}; want {want} pixels (width x height), as {file} has", path=path, row=row)
    return found_hw
