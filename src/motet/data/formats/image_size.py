"""Reads the size of an image from its header, without decoding it, to check boxes and maps against it."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from motet.core import DataError

_ORIENTATION = 0x0112
_ROTATED = frozenset({5, 6, 7, 8})  # EXIF orientations that need a rotation by 90 degrees
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


def image_size_hw(file: Path) -> tuple[int, int]:
    """Returns height and width in pixels after the EXIF orientation is applied, as when the image is decoded.

    Raises:
        DataError: not an image, or one whose header is broken; it names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd EXIF data and huge sizes: the decoder reports them
            with Image.open(file) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION) in _ROTATED
    except UnidentifiedImageError as error:
        raise DataError("image: got a file that is no image; want an image file", path=file) from error
    except Image.DecompressionBombError as error:
        raise DataError(f"image: got one too large ({error}); want an image", path=file) from error
    except _BROKEN as error:
        got = str(error) or type(error).__name__
        raise DataError(f"image: got {got}; want a whole image", path=file) from error
    return (width, height) if turned else (height, width)


def check_size(stated_hw: tuple[int, int] | None, file: Path, *, path: Path, row: int | str) -> tuple[int, int]:
    """Returns the size of an image, checked against the size that its annotation states.

    With another size all boxes would be wrong without a sign of it, so a difference is always an error.

    Args:
        stated_hw: height and width in the annotation; None where it states none.
        file: the image.
        path: the annotation file, for the error.
        row: its row, for the error.

    Raises:
        DataError: another size, or an image whose header cannot be read.
    """
    actual_hw = image_size_hw(file)
    if stated_hw is not None and stated_hw != actual_hw:
        got, want = (f"{width} x {height}" for height, width in (stated_hw, actual_hw))
        hint = _swap_hint(file) if stated_hw == actual_hw[::-1] else ""
        raise DataError(
            f"size: got {got}; want {want} pixels (width x height), as {file} has{hint}", path=path, row=row
        )
    return actual_hw


def _swap_hint(file: Path) -> str:
    """Returns the likely reason why an annotation states height and width of an image in the other order."""
    with Image.open(file) as image:
        turned = image.getexif().get(_ORIENTATION) in _ROTATED
    if turned:
        return " once its EXIF orientation turns it upright: annotate the upright image, or remove the orientation"
    return ": width and height are swapped"
