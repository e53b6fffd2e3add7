"""Encoded pictures to arrays."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from motet.core import DataError, MemoryImage, rng_for
from motet.preprocess.images import ImageTransform, InceptionCrop, RandomCrop, Whole, decode
from motet.preprocess.open_image import MAX_PIXELS

RGB = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", name: str = "some/file.png", **options) -> MemoryImage:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return MemoryImage(name, buffer.getvalue())


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_an_image_comes_back_as_it_was_saved() -> None:
    np.testing.assert_array_equal(np.asarray(decode(encoded(Image.fromarray(RGB)))), RGB)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just some words",
        png_header(100, 100),
        encoded(Image.fromarray(RGB), "JPEG").data[:300],
        encoded(Image.fromarray(RGB)).data[:500],
        encoded(Image.fromarray(RGB)).data[:30],
        encoded(Image.fromarray(RGB), "GIF").data[:20],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
    ids=["empty", "text", "header only", "cut JPEG", "cut PNG", "cut header", "cut GIF", "a program"],
)
def test_what_is_no_whole_image_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(DataError, match=r"image: got .*; want .*\(some/file.png\)") as caught:
        decode(MemoryImage("some/file.png", data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [40_000, 13_500, 8_193])
def test_an_image_that_is_too_large_is_refused_from_its_header(side: int) -> None:
    assert side * side > MAX_PIXELS
    with pytest.raises(DataError, match=f"got {side} x {side} pixels; want at most 67,108,864 pixels"):
        decode(MemoryImage("huge.png", png_header(side, side)))


def test_exif_turns_the_image() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter, clockwise
    turned = decode(encoded(Image.fromarray(RGB), exif=exif.tobytes()))
    np.testing.assert_array_equal(np.asarray(turned), np.rot90(RGB, -1))


def test_transparent_parts_lie_over_white() -> None:
    rgba = np.dstack([RGB, np.full((30, 40), 255, dtype=np.uint8)])
    rgba[:10, :, 3] = 0
    image = np.asarray(decode(encoded(Image.fromarray(rgba))))
    assert (image[:10] == 255).all()
    np.testing.assert_array_equal(image[10:], RGB[10:])


def test_palettes_grey_and_single_bits_become_rgb() -> None:
    palette = Image.new("P", (4, 3), 1)
    palette.putpalette([0, 0, 0, 200, 10, 20])
    assert decode(encoded(palette)).getpixel((0, 0)) == (200, 10, 20)
    assert decode(encoded(palette, transparency=1)).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(Image.new("L", (4, 3), 77))).getpixel((0, 0)) == (77, 77, 77)
    assert decode(encoded(Image.new("1", (4, 3), 1))).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(Image.new("LA", (4, 3), (77, 255)))).getpixel((0, 0)) == (77, 77, 77)


def test_sixteen_bits_become_eight() -> None:
    grey = np.array([[0, 257, 65535, 25700]], dtype=np.uint16)
    image = np.asarray(decode(encoded(Image.fromarray(grey))))
    assert image[0, :, 0].tolist() == [0, 1, 255, 100]


def test_printers_colours_become_rgb() -> None:
    cmyk = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red, green, blue = decode(encoded(cmyk, "JPEG")).getpixel((4, 4))
    assert red > 200
    assert green < 60
    assert blue < 60


def test_values_of_floating_point_are_refused() -> None:
    with pytest.raises(DataError, match="floating-point"):
        decode(encoded(Image.new("F", (4, 3), 0.5), "TIFF"))


def test_a_draft_is_smaller_but_never_too_small() -> None:
    large = encoded(Image.new("RGB", (800, 600), "red"), "JPEG")
    assert decode(large).size == (800, 600)
    assert decode(large, at_least_hw=(90, 100)).size == (200, 150)
    transform = ImageTransform((90, 100), crop=Whole(), draft=True)
    pixels = transform.read(large, frozenset(), None)
    plain = ImageTransform((90, 100), crop=Whole()).read(large, frozenset(), None)
    np.testing.assert_allclose(pixels, plain, atol=0.05)


def test_pixels_are_normalised_by_mean_and_std() -> None:
    white = Image.new("RGB", (8, 8), "white")
    transform = ImageTransform((4, 4), mean=(0.5, 0.4, 0.3), std=(0.5, 0.2, 0.1))
    pixels = transform(white, transform.plain((8, 8)))
    assert pixels.shape == (3, 4, 4)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[:, 0, 0], [1, 3, 7], rtol=1e-5)


def test_evaluation_draws_nothing() -> None:
    transform = ImageTransform((8, 8))
    everything = frozenset({"hflip", "crop"})
    assert transform.draw((30, 40), everything, None) == transform.plain((30, 40))


@pytest.mark.parametrize(
    ("invariant", "crops", "flips"),
    [
        (frozenset(), False, False),
        (frozenset({"crop"}), True, False),
        (frozenset({"hflip"}), False, True),
        (frozenset({"crop", "hflip"}), True, True),
    ],
)
def test_only_what_the_task_allows_is_ever_done(invariant, crops: bool, flips: bool) -> None:
    transform = ImageTransform((8, 8))
    drawn = [transform.draw((300, 400), invariant, rng_for("test", i)) for i in range(50)]
    assert any(g.crop_xyxy != (0, 0, 400, 300) for g in drawn) == crops
    assert any(g.hflip for g in drawn) == flips


def test_a_random_crop_keeps_its_part_of_each_side() -> None:
    rng = rng_for("test", 0)
    boxes = {RandomCrop(0.5).box((20, 40), rng) for _ in range(50)}
    assert {(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes} == {(20, 10)}
    assert len(boxes) > 20


def test_an_image_too_long_for_any_crop_is_kept_whole() -> None:
    assert InceptionCrop(0.5).box((10, 100), rng_for("test", 0)) == (0, 0, 100, 10)


def test_views_are_told_by_content_and_index_and_say_what_was_done() -> None:
    transform = ImageTransform((8, 8))
    image = encoded(Image.fromarray(RGB))
    same = MemoryImage("elsewhere", image.data)
    plain = transform.read(image, frozenset(), None)
    np.testing.assert_array_equal(transform.view(image, 0), plain)
    assert transform.view_changes(0) == frozenset()
    assert transform.view_changes(1) == {"crop"}
    assert transform.view_changes(2) == {"crop", "hflip"}
    views = [transform.view(image, i) for i in range(5)]
    for i, view in enumerate(views):
        np.testing.assert_array_equal(view, transform.view(same, i))
        assert all(not np.array_equal(view, other) for other in views[:i])


def test_without_crop_and_flip_all_views_are_plain() -> None:
    transform = ImageTransform((8, 8), crop=Whole(), hflip=False)
    image = encoded(Image.fromarray(RGB))
    assert transform.view_changes(2) == frozenset()
    np.testing.assert_array_equal(transform.view(image, 2), transform.view(image, 0))


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (4, 4), 7), 7),
        (Image.new("RGB", (4, 4), (7, 8, 9)), (7, 8, 9)),
        (Image.new("1", (4, 4), 0), 0),
        (Image.fromarray(np.full((4, 4), 700, np.uint16)), 700),
    ],
    ids=["grey", "RGB", "one bit", "16 bits"],
)
def test_a_transparent_colour_is_white_in_every_mode(image: Image.Image, colour: object) -> None:
    assert decode(encoded(image, transparency=colour)).getpixel((0, 0)) == (255, 255, 255)
    assert decode(encoded(image)).getpixel((0, 0)) != (255, 255, 255)
