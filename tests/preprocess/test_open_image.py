"""Sizes of images from their headers, for PNG without decoding pixels."""

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from motet.core import MemoryImage
from motet.preprocess.images import decode
from motet.preprocess.open_image import header_size_hw


def png(orientation: int | None = None, xmp: str = "") -> bytes:
    buffer, exif, texts = io.BytesIO(), Image.Exif(), PngImagePlugin.PngInfo()
    if orientation is not None:
        exif[0x0112] = orientation
    if xmp:
        texts.add_itxt("XML:com.adobe.xmp", xmp)
    Image.new("RGB", (30, 20)).save(buffer, "PNG", exif=exif, pnginfo=texts)
    return buffer.getvalue()


def chunks(data: bytes) -> list[bytes]:
    found, place = [], 8
    while place < len(data):
        end = place + 12 + struct.unpack_from(">I", data, place)[0]
        found.append(data[place:end])
        place = end
    return found


def with_exif_last(data: bytes) -> bytes:
    rest = chunks(data)
    (exif,) = (chunk for chunk in rest if chunk[4:8] == b"eXIf")
    rest.remove(exif)
    return data[:8] + b"".join([*rest[:-1], exif, rest[-1]])


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_a_png_has_the_size_of_its_decoded_image(orientation: int | None) -> None:
    data = png(orientation)
    for one in (data, with_exif_last(data)) if orientation not in (None, 1) else (data,):
        image = MemoryImage("a.png", one)
        decoded = decode(image)
        assert header_size_hw(image) == (decoded.height, decoded.width)


def test_an_orientation_in_xmp_counts() -> None:
    turned = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    image = MemoryImage("a.png", png(xmp=turned))
    decoded = decode(image)
    assert header_size_hw(image) == (decoded.height, decoded.width) == (30, 20)


def test_no_pixel_of_a_png_is_decoded() -> None:
    data = png()
    broken = b"IDAT" + b"no pixels"
    parts = [
        chunk
        if chunk[4:8] != b"IDAT"
        else struct.pack(">I", len(broken) - 4) + broken + struct.pack(">I", zlib.crc32(broken))
        for chunk in chunks(data)
    ]
    assert header_size_hw(MemoryImage("a.png", data[:8] + b"".join(parts))) == (20, 30)
