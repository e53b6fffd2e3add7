"""Perceptual hashes: stable under scale and compression, different for other images, none for a uniform one."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from motet.core import DiskImage, MemoryImage, rng_for
from motet.data.image_hashes import WINDOWS, Hashes, hash_image, hash_images
from motet.preprocess.images import decode


def shapes(number: int, size: tuple[int, int] = (192, 144)) -> Image.Image:
    grid = rng_for("shapes", number).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def bits(one: np.ndarray, other: np.ndarray) -> list[int]:
    """Bits of pHash and dHash in which the whole images differ."""
    return np.bitwise_count(one[0] ^ other[0]).tolist()


def hashed(image: Image.Image) -> np.ndarray:
    hashes = hash_image(image)
    assert hashes is not None
    return hashes


def test_there_are_two_hashes_per_window() -> None:
    hashes = hashed(shapes(0))
    assert (hashes.shape, hashes.dtype) == ((len(WINDOWS), 2), np.uint64)


def test_a_smaller_copy_is_near_and_another_image_is_far() -> None:
    original = hashed(shapes(0))
    assert max(bits(original, hashed(shapes(0).resize((96, 72))))) <= 6
    assert min(bits(original, hashed(shapes(1)))) > 10


def test_a_crop_is_near_the_window_that_it_is() -> None:
    image = shapes(2, (400, 300))
    original, crop = hashed(image), hashed(image.crop((40, 30, 360, 270)))
    window = WINDOWS.index((0.1, 0.1, 0.9, 0.9))
    assert int(np.bitwise_count(original[window, 0] ^ crop[0, 0])) <= 4


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_uniform_image_has_no_hash(shade: int) -> None:
    assert hash_image(Image.new("RGB", (64, 48), (shade, shade, shade))) is None


def test_a_selection_keeps_values_and_flags() -> None:
    def encoded(image: Image.Image) -> bytes:
        file = io.BytesIO()
        image.save(file, "PNG")
        return file.getvalue()

    images = {name: MemoryImage(name, encoded(image)) for name, image in (("a", shapes(0)), ("b", shapes(1)))}
    images["grey"] = MemoryImage("grey", encoded(Image.new("RGB", (40, 40))))
    calls: list[tuple[int, int]] = []
    hashes = hash_images(images, decode, workers=0, progress=lambda done, total: calls.append((done, total)))
    selected = hashes.of(["grey", "a"])
    assert isinstance(selected, Hashes)
    assert selected.names == ("grey", "a")
    assert selected.uniform.tolist() == [True, False]
    assert np.array_equal(selected.values[1], hashed(shapes(0)))
    assert calls[-1] == (3, 3)


def test_a_file_name_that_is_not_utf_8_is_remembered(tmp_path) -> None:
    path = tmp_path / os.fsdecode(b"f\xfcr.png")
    shapes(0).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(path)
    calls: list[str] = []

    def counted(image, **options):
        calls.append(image.name)
        return decode(image, **options)

    for _ in range(2):
        hash_images({"für": DiskImage(path)}, counted, workers=0, cache=tmp_path / "cache")
    assert calls == [str(path)]
