"""Resized pixels are made once, found again by the file's stamp, and never read when damaged."""

import os
from pathlib import Path

import numpy as np
import pytest

from motet.core import DataError, DiskImage
from motet.preprocess.pixel_cache import PixelCache

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.fixture
def image(tmp_path: Path) -> DiskImage:
    (tmp_path / "a.png").write_bytes(b"large")
    return DiskImage(tmp_path / "a.png")


def read(cache: PixelCache, image: DiskImage, about: str = "", size_hw: tuple[int, int] = (4, 6)) -> bool:
    """Reads and checks the pixels; returns whether they were made."""
    made = []

    def resize() -> tuple[np.ndarray, tuple[int, int]]:
        made.append(size_hw)
        return PIXELS[: size_hw[0], : size_hw[1]], (966, 1296)

    for _ in range(2):
        pixels, source_hw = cache.read(image, size_hw, about, resize)
        np.testing.assert_array_equal(pixels, PIXELS[: size_hw[0], : size_hw[1]])
        assert source_hw == (966, 1296)
    assert len(made) <= 1
    return bool(made)


def test_pixels_are_made_once_per_file_size_and_kind(image: DiskImage, tmp_path: Path) -> None:
    cache = PixelCache(tmp_path / "cache")
    assert read(cache, image)
    assert not read(PixelCache(tmp_path / "cache"), image)
    assert read(cache, image, "antialias")
    assert read(cache, image, size_hw=(2, 3))
    os.utime(image.path, ns=(1, 1))
    assert read(cache, image)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"?", lambda data: b""])
def test_a_damaged_file_is_made_again(image: DiskImage, tmp_path: Path, damage) -> None:
    cache = PixelCache(tmp_path / "cache")
    read(cache, image)
    (path,) = (tmp_path / "cache").rglob("*.pixels")
    path.write_bytes(damage(path.read_bytes()))
    assert read(cache, image)
    assert not read(cache, image)


def test_a_folder_that_cannot_be_written_is_one_line(image: DiskImage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"resized images: got .*; want a folder with write permission"):
        read(PixelCache(tmp_path / "file"), image)
