"""Opens images that other people made: known formats, a size that memory can hold, one line for every error."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from motet.core import DataError, ImageFile
from motet.core.regular_files import file_size
from motet.preprocess.image_formats import HEIC_ADVICE, image_formats, is_heic

MAX_PIXELS = 2**26
"""Pixels of the largest image or map that is read, 8,192 x 8,192: a larger one is refused from its header, before any
memory is allocated. Its few kilobytes could stand for gigabytes of pixels."""
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations with a quarter turn
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXTS = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"})  # EXIF, and XMP as text
# Pillow's parsers of broken files raise almost everything.
_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    SyntaxError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


@contextmanager
def open_image(source: bytes | Path, *, name: str | Path, what: str = "image") -> Iterator[Image.Image]:
    """Opens an image without decoding it; the `with` block may decode it, and its errors become DataErrors too.

    Args:
        source: the encoded image, or its file.
        name: of the image in errors.
        what: the first word of an error, "image" or "map".

    Raises:
        DataError: no image, a broken or truncated one, or one of more than `MAX_PIXELS`; it names the file.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes near its own limit, of unusual EXIF data and palettes: none of that is an error.
            warnings.simplefilter("ignore")
            if not isinstance(source, bytes):
                file_size(source)  # opening a pipe would wait for its other end
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source, formats=image_formats()
            ) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield opened
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        got = _header_size(source)
        raise DataError(f"{what}: got {got}; want at most {MAX_PIXELS:,} pixels", path=name) from error
    except FileNotFoundError as error:
        raise DataError(f"{what}: got no such file; want a readable image", path=name) from error
    except UnidentifiedImageError as error:
        start = _first_bytes(source)
        got, want = _beginning(source, start), f"a file in one of the formats {', '.join(image_formats())}"
        if is_heic(start) and "HEIF" in image_formats():
            got, want = "a damaged HEIC photo", "a complete image file"
        elif is_heic(start):
            got, want = "a photo in the format HEIC", HEIC_ADVICE
        raise DataError(f"{what}: got {got}; want {want}", path=name) from error
    except _BROKEN as error:
        got = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{what}: got {got}; want a complete image file", path=name) from error


def header_size_hw(image: ImageFile) -> tuple[int, int]:
    """Returns height and width after the EXIF orientation is applied, from the header alone where that is enough.

    Raises:
        DataError: see `open_image`.
    """
    head = image.head()
    if head.startswith(_PNG):
        return _png_size_hw(image.read(), image.name)
    try:
        return _size_hw(head, image.name)
    except DataError:  # for some formats the first bytes of a file are not enough
        return _size_hw(image.read(), image.name)


def is_turned(image: Image.Image) -> bool:
    """Returns True where the EXIF orientation turns an image by a quarter, so that its sides change places."""
    return image.getexif().get(ExifTags.Base.Orientation) in _TURNED


def _png_size_hw(data: bytes, name: str) -> tuple[int, int]:
    """Returns the size, without decoding pixels where no chunk can hold an orientation; Pillow decodes to find it."""
    if _png_chunks(data) & _PNG_TEXTS:
        return _size_hw(data, name)
    with open_image(data, name=name) as opened:
        return opened.height, opened.width


def _png_chunks(data: bytes) -> set[bytes]:
    """Returns the types of the chunks, which may follow the pixels."""
    found, place = set[bytes](), len(_PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        found.add(kind)
        place += length + 12
    return found


def _size_hw(data: bytes, name: str) -> tuple[int, int]:
    with open_image(data, name=name) as opened:
        width, height = opened.size
        return (width, height) if is_turned(opened) else (height, width)


def _header_size(source: bytes | Path) -> str:
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=image_formats()) as opened:
            return f"{opened.width} x {opened.height} pixels"
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _first_bytes(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:12]
    with open(source, "rb") as file:
        return file.read(12)


def _beginning(source: bytes | Path, start: bytes) -> str:
    what = f"{len(source)} bytes" if isinstance(source, bytes) else "a file"
    return f"{what} that {'start' if isinstance(source, bytes) else 'starts'} with {start!r}"
