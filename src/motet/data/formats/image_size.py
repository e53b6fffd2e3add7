"""Reads the size of an image from its header, without decoding it, to check boxes and maps against it."""

from __future__ import annotations

from pathlib import Path

from motet.core import DataError
from motet.preprocess.open_image import is_turned, open_image


def image_size_hw(file: Path) -> tuple[int, int]:
    """Returns height and width in pixels after the EXIF orientation is applied, as when the image is decoded.

    Raises:
        DataError: not an image, or one whose header is broken; it names the file.
    """
    with open_image(file, name=file) as image:
        width, height = image.size
        return (width, height) if is_turned(image) else (height, width)


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
    with open_image(file, name=file) as image:
        turned = is_turned(image)
    if turned:
        return " once its EXIF orientation turns it upright: annotate the upright image, or remove the orientation"
    return ": width and height are swapped"
