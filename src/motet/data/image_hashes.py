"""What pictures look like, in bits: perceptual hashes of a picture and of cuts of it, kept from one run to the next."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import zipfile
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

WINDOWS = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.95, 0.95),
    (0.1, 0.1, 0.9, 0.9),
    (0.0, 0.0, 0.9, 0.9),
    (0.1, 0.0, 1.0, 0.9),
    (0.0, 0.1, 0.9, 1.0),
    (0.1, 0.1, 1.0, 1.0),
)
"""Cuts (x0, y0, x1, y1) as shares of width and height; the whole first."""
_FORM = 1
_SIDE = 160
_PLAIN = 4.0
_CHUNK = 64
_SAVE_EVERY = 20_000


class Decode(Protocol):
    """Reads a picture; `motet.preprocess.images.decode`."""

    def __call__(self, image: ImageFile, *, at_least_hw: tuple[int, int] | None = None) -> Image.Image:
        """RGB, upright. Raises DataError on a broken one."""
        ...


@dataclass(frozen=True)
class Hashes:
    """Hashes of many pictures.

    Args:
        names: what each picture is called, in order.
        values: for each picture and each of `WINDOWS` two hashes: of frequencies, and of differences.
        plain: pictures of (nearly) one grey: they all look alike, so nothing is said of them.
        unread: pictures that could not be read, with the reason.
    """

    names: tuple[str, ...]
    values: UInt64[np.ndarray, "n w 2"]
    plain: np.ndarray
    unread: Mapping[str, str]

    def of(self, names: Sequence[str]) -> Hashes:
        """Those of some of the pictures, in this order."""
        places = {name: place for place, name in enumerate(self.names)}
        rows = np.array([places[name] for name in names], dtype=np.int64)
        return Hashes(tuple(names), self.values[rows], self.plain[rows], self.unread)


def hash_image(image: Image.Image) -> UInt64[np.ndarray, "w 2"] | None:
    """The hashes of a picture's windows; None for a plain one.

    The first of each pair is pHash: the signs of the 8 x 8 lowest frequencies of a cosine transform against their
    median. The second is dHash: whether each of 8 x 8 cells is darker than its neighbour. `imagehash` makes both.
    """
    import imagehash

    grey = image.convert("L")
    grey.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    if np.asarray(grey, dtype=np.float32).std() < _PLAIN:
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
    told: Callable[[int, int], None] | None = None,
) -> Hashes:
    """Hashes of pictures, in processes beside this one.

    Args:
        images: by name.
        decode: reads one; a function of a module's top, since it goes to other processes.
        cache: a folder where hashes stay, by each picture's `stamp`; what is there already is not read again. Written
            now and then, so that a stop loses little.
        workers: processes; None for one a core, 0 for none but this one.
        told: how many pictures are done, of how many.

    Raises:
        DataError: the cache is damaged, or its folder cannot be written.
    """
    names = tuple(images)
    stamps = {name: _stamp(image) for name, image in images.items()}
    kept = _Cache.read(cache)
    missing = [name for name in names if stamps[name] not in kept.known]
    unread: dict[str, str] = {}
    done, saved = len(names) - len(missing), 0
    for chunk, found in _hashed([(name, images[name]) for name in missing], decode, workers):
        for name, value in zip(chunk, found, strict=True):
            if isinstance(value, str):
                unread[name] = value
            else:
                kept.known[stamps[name]] = value
        done, saved = done + len(chunk), saved + len(chunk)
        if told is not None:
            told(done, len(names))
        if saved >= _SAVE_EVERY:
            kept.write(cache)
            saved = 0
    if missing:
        kept.write(cache)
    values = np.zeros((len(names), len(WINDOWS), 2), dtype=np.uint64)
    plain = np.zeros(len(names), dtype=bool)
    for place, name in enumerate(names):
        value = kept.known.get(stamps[name])
        if value is None:
            plain[place] = True
        else:
            values[place] = value
    return Hashes(names, values, plain, unread)


@dataclass
class _Cache:
    """Hashes by stamp; a plain picture has None."""

    known: dict[bytes, np.ndarray | None]

    @staticmethod
    def path(folder: Path) -> Path:
        return folder / f"picture-hashes-{_FORM}.npz"

    @classmethod
    def read(cls, folder: Path | None) -> _Cache:
        if folder is None or not cls.path(folder).exists():
            return cls({})
        try:
            with cls.path(folder).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                stamps, values, plain = file["stamps"], file["values"], file["plain"]
            if values.shape != (len(stamps), len(WINDOWS), 2) or plain.shape != (len(stamps),):
                raise ValueError(f"arrays of shape {values.shape}")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"hashes: got {error}; want the file that motet wrote, or none", path=cls.path(folder)
            ) from error
        return cls(
            {bytes(s): None if flat else v for s, v, flat in zip(stamps, values, plain, strict=True)}
        )  # fmt: skip

    def write(self, folder: Path | None) -> None:
        if folder is None:
            return
        path = self.path(folder)
        part = path.with_name(f".{path.stem}.{os.getpid()}.npz")
        stamps: UInt8[np.ndarray, "n 16"] = np.frombuffer(b"".join(self.known), np.uint8).reshape(-1, 16)
        nothing = np.zeros((len(WINDOWS), 2), dtype=np.uint64)
        values = np.stack([nothing if value is None else value for value in self.known.values()] or [nothing][:0])
        plain = np.array([value is None for value in self.known.values()], dtype=bool)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(part, stamps=stamps, values=values, plain=plain)
            part.replace(path)
        except OSError as error:
            raise DataError(f"hashes: got {error.strerror or error}; want a folder with room", path=path) from error


def _stamp(image: ImageFile) -> bytes:
    return hashlib.blake2b(image.stamp().encode(), digest_size=16).digest()


def _hashed(
    named: Sequence[tuple[str, ImageFile]], decode: Decode, workers: int | None
) -> Iterator[tuple[list[str], list[np.ndarray | str | None]]]:
    work = partial(_hash_chunk, decode)
    chunks = [named[start : start + _CHUNK] for start in range(0, len(named), _CHUNK)]
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 2 or len(chunks) < 2:
        for chunk in chunks:
            yield [name for name, _ in chunk], work([image for _, image in chunk])
        return
    # Started afresh, not forked: this process may hold threads of torch.
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("forkserver")) as pool:
        results = pool.map(work, ([image for _, image in chunk] for chunk in chunks))
        for chunk, found in zip(chunks, results, strict=True):
            yield [name for name, _ in chunk], found


def _hash_chunk(decode: Decode, images: Sequence[ImageFile]) -> list[np.ndarray | str | None]:
    found: list[np.ndarray | str | None] = []
    for image in images:
        try:
            found.append(hash_image(decode(image, at_least_hw=(_SIDE, _SIDE))))
        except DataError as error:
            found.append(str(error))
    return found


def _bits(signs: np.ndarray) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(signs.reshape(-1)).tobytes(), "big"))
