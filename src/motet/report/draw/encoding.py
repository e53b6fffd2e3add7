"""Drawn images as bytes that a page can hold."""

from __future__ import annotations

import io

from PIL import Image

_TINY = 64
"""Longer side in pixels up to which JPEG artefacts would be visible: such images become PNG."""


def thumbnail(image: Image.Image, *, size: int = 176) -> bytes:
    """Returns an image as JPEG, reduced to the size of a card (as PNG where it is tiny already).

    Args:
        image: of any mode.
        size: the largest allowed longer side in pixels.

    Examples:
        >>> thumbnail(Image.new("RGB", (400, 200)))[:2] == bytes([255, 216])
        True
    """
    small = image.convert("RGB")
    if max(small.size) <= _TINY:
        return encode_png(small)
    small.thumbnail((size, size))
    file = io.BytesIO()
    small.save(file, format="JPEG", quality=82)
    return file.getvalue()


def encode_png(image: Image.Image) -> bytes:
    """Returns an image as PNG, without loss."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def media_type(data: bytes) -> str:
    """Returns the media type of an encoded PNG or JPEG, by its first bytes.

    Examples:
        >>> media_type(thumbnail(Image.new("RGB", (8, 8))))
        'image/png'
    """
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
