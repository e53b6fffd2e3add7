"""The formats of images that are read, and the endings of their names, as the installed Pillow has them."""

from __future__ import annotations

import importlib.util
from functools import cache

from PIL import Image, features

# Formats that Pillow decodes itself; for others (EPS) it runs an external program on untrusted content.
_FORMATS = ("JPEG", "PNG", "PPM", "WEBP", "BMP", "GIF", "TIFF", "TGA", "AVIF", "JPEG2000")
_LIBRARIES = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}  # that some builds of Pillow lack
_FLOAT_SUFFIXES = frozenset({".pfm"})  # of Pillow's PPM format, but maps of numbers
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""Endings of the photos of phones, which are read with the extra `motet[heic]`."""
HEIC_ADVICE = "JPEG or PNG, or the extra motet[heic] (pip install 'motet[heic]')"
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@cache
def image_formats() -> tuple[str, ...]:
    """Returns the names of the formats that are read, as Pillow writes them."""
    Image.init()
    found = [name for name in _FORMATS if name in Image.OPEN and features.check(_LIBRARIES.get(name, "pil"))]
    if importlib.util.find_spec("pillow_heif") is not None:
        from pillow_heif import register_heif_opener

        register_heif_opener()
        found.append("HEIF")
    return tuple(found)


@cache
def image_suffixes() -> frozenset[str]:
    """Returns the endings of images that are read, in lower case.

    Examples:
        >>> {".jpg", ".jfif", ".tif"} <= image_suffixes(), ".eps" in image_suffixes()
        (True, False)
    """
    formats = set(image_formats())
    found = {ending for ending, name in Image.registered_extensions().items() if name in formats}
    return frozenset(found - _FLOAT_SUFFIXES)


def is_heic(data: bytes) -> bool:
    """Returns True for the first bytes of a HEIC file.

    Examples:
        >>> is_heic(bytes([0, 0, 0, 24]) + b"ftypheic"), is_heic(b"GIF89a")
        (True, False)
    """
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS
