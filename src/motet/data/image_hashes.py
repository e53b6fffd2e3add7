"""Perceptual hashes of images and of crops of them, cached on disk from one run to the next."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import UInt8, UInt64
from PIL import Image

from motet.core import DataError, ImageFile
from motet.core.whole_files import write_whole
from motet.data.formats.npz_file import load_own_npz

WINDOWS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.95, 0.95),
    (0.1, 0.1, 0.9, 0.9),
    (0.0, 0.0, 0.9, 0.9),
    (0.1, 0.0, 1.0, 0.9),
    (0.0, 0.1, 0.9, 1.0),
    (0.1, 0.1, 1.0, 1.0),
)
"""Crops (x0, y0, x1, y1) as shares of width and height; the whole image first."""
_CACHE_VERSION = 1
_THUMBNAIL_SIDE = 160
_MIN_CONTRAST = 4.0
_CHUNK = 64
_SAVE_EVERY = 20_000


class Decode(Protocol):
    """Decodes an image, as `motet.preprocess.images.decode` does."""

    def __call__(self, image: ImageFile, *, at_least_hw: tuple[int, int] | None = None) -> Image.Image:
        """Returns the image in RGB, upright. Raises DataError on a broken one."""
        ...


@dataclass(frozen=True)
class Hashes:
    """Perceptual hashes of many images.

    Args:
        names: the name of each image, in order.
        values: per image and window of `WINDOWS` two hashes: pHash and dHash.
        uniform: (n,) bool, images of (nearly) one grey: their hashes are all alike, so they are not compared.
        unreadable: images that cannot be read, with the reason.
    """

    names: tuple[str, ...]
    values: UInt64[np.ndarray, "n w 2"]
    uniform: np.ndarray
    unreadable: Mapping[str, str]

    def of(self, names: Sequence[str]) -> Hashes:
        """Returns the hashes of some of the images, in this order."""
        places = {name: place for place, name in enumerate(self.names)}
        rows = np.array([places[name] for name in names], dtype=np.int64)
        return Hashes(tuple(names), self.values[rows], self.uniform[rows], self.unreadable)


def hash_image(image: Image.Image) -> UInt64[np.ndarray, "w 2"] | None:
    """Computes two hashes per window of an image; None for an image of one grey.

    The first is pHash: the signs of the 8 x 8 lowest frequencies of a cosine transform, relative to their median. The
    second is dHash: one bit per cell of an 8 x 8 grid, set where the cell is darker than its neighbour. Both come from
    the package `imagehash`.
    """
    import imagehash

    grey = image.convert("L")
    grey.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.BOX)
    if np.asarray(grey, dtype=np.float32).std() < _MIN_CONTRAST:
        return None
    width, height = grey.size
    found = np.empty((len(WINDOWS), 2), dtype=np.uint64)
    for place, (x0, y0, x1, y1) in enumerate(WINDOWS):
        cut = grey.crop((round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)))
        found[place] = _bits(imagehash.phash(cut).hash), _bits(imagehash.dhash(cut).hash)
    return found


def hash_images(
    images: Mapping[str, ImageFile],
    decode: Decode,
    *,
    cache: Path | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Hashes:
    """Computes the hashes of images in other processes.

    Args:
        images: by name.
        decode: decodes one; a function at the top level of a module, since it is pickled for other processes.
        cache: a folder that keeps hashes by the `stamp` of each image; an image that it has is not read again. It is
            written now and then, so that an interrupted run loses little.
        workers: number of processes; None for one per core, 0 for this process only.
        progress: called with the number of images that are done and the number of all.

    Raises:
        DataError: the cache is damaged, or its folder cannot be written.
    """
    names = tuple(images)
    stamps = {name: _stamp(image) for name, image in images.items()}
    known = _Cache.read(cache)
    missing = [name for name in names if stamps[name] not in known.hashes]
    unreadable: dict[str, str] = {}
    done, unsaved = len(names) - len(missing), 0
    for chunk, results in _hash_chunks([(name, images[name]) for name in missing], decode, workers):
        for name, result in zip(chunk, results, strict=True):
            if isinstance(result, str):
                unreadable[name] = result
            else:
                known.hashes[stamps[name]] = result
        done, unsaved = done + len(chunk), unsaved + len(chunk)
        if progress is not None:
            progress(done, len(names))
        if unsaved >= _SAVE_EVERY:
            known.write(cache)
            unsaved = 0
    if missing:
        known.write(cache)
    values = np.zeros((len(names), len(WINDOWS), 2), dtype=np.uint64)
    uniform = np.zeros(len(names), dtype=bool)
    for place, name in enumerate(names):
        value = known.hashes.get(stamps[name])
        if value is None:
            uniform[place] = True
        else:
            values[place] = value
    return Hashes(names, values, uniform, unreadable)


@dataclass
class _Cache:
    """Hashes by stamp; None for an image of one grey."""

    hashes: dict[bytes, np.ndarray | None]

    @staticmethod
    def path(folder: Path) -> Path:
        return folder / f"picture-hashes-{_CACHE_VERSION}.npz"

    @classmethod
    def read(cls, folder: Path | None) -> _Cache:
        if folder is None or not cls.path(folder).exists():
            return cls({})
        try:
            file = load_own_npz(cls.path(folder))
            stamps, values, plain = file["stamps"], file["values"], file["plain"]
            if (
                stamps.shape[1:] != (16,)
                or values.shape != (len(stamps), len(WINDOWS), 2)
                or plain.shape != (len(stamps),)
                or [one.dtype.str[1:] for one in (stamps, values, plain)] != ["u1", "u8", "b1"]
            ):
                raise ValueError(f"{values.dtype} of the shape {values.shape}")
        except (ValueError, KeyError) as error:
            got = str(error).partition(";")[0].rpartition("got ")[2]
            raise DataError(
                f"hashes: got {got}; want the file as motet wrote it: delete it to compute the hashes again",
                path=cls.path(folder),
            ) from error
        return cls(
            {bytes(s): None if flat else v for s, v, flat in zip(stamps, values, plain, strict=True)}
        )  # fmt: skip

    def write(self, folder: Path | None) -> None:
        if folder is None:
            return
        path = self.path(folder)
        file = io.BytesIO()
        stamps: UInt8[np.ndarray, "n 16"] = np.frombuffer(b"".join(self.hashes), np.uint8).reshape(-1, 16)
        nothing = np.zeros((len(WINDOWS), 2), dtype=np.uint64)
        values = np.stack([nothing if value is None else value for value in self.hashes.values()] or [nothing][:0])
        plain = np.array([value is None for value in self.hashes.values()], dtype=bool)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(file, stamps=stamps, values=values, plain=plain)
            write_whole(path, file.getvalue())
        except OSError as error:
            raise DataError(
                f"hashes: got {error.strerror or error}; want a folder with write permission and free space", path=path
            ) from error


def _stamp(image: ImageFile) -> bytes:
    return hashlib.blake2b(image.stamp().encode(errors="surrogatepass"), digest_size=16).digest()


def _hash_chunks(
    named: Sequence[tuple[str, ImageFile]], decode: Decode, workers: int | None
) -> Iterator[tuple[list[str], list[np.ndarray | str | None]]]:
    work = partial(_hash_chunk, decode)
    chunks = [named[start : start + _CHUNK] for start in range(0, len(named), _CHUNK)]
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 2 or len(chunks) < 2:
        for chunk in chunks:
            yield [name for name, _ in chunk], work([image for _, image in chunk])
        return
    # Not forked: this process may have threads of torch, whose locks a fork would copy.
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("forkserver")) as pool:
        results = pool.map(work, ([image for _, image in chunk] for chunk in chunks))
        for chunk, found in zip(chunks, results, strict=True):
            yield [name for name, _ in chunk], found


def _hash_chunk(decode: Decode, images: Sequence[ImageFile]) -> list[np.ndarray | str | None]:
    results: list[np.ndarray | str | None] = []
    for image in images:
        try:
            results.append(hash_image(decode(image, at_least_hw=(_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))))
        except DataError as error:
            results.append(str(error))
    return results


def _bits(signs: np.ndarray) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(signs.reshape(-1)).tobytes(), "big"))
