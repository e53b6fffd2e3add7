"""One row of a data set as it lies on disk: what was stored, undecoded, with no task in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from motet.core.errors import DataError

HEAD_BYTES = 2**16
"""How much of a file `ImageFile.head` reads: a JPEG's size may stand after a segment of 64 KiB, but rarely does."""


@runtime_checkable
class ImageFile(Protocol):
    """An encoded picture (JPEG, PNG, PNM, ...) that is decoded when asked, once, by `prep.images`."""

    @property
    def name(self) -> str:
        """What an error line calls it: a path, or a path and the place in it."""
        ...

    def read(self) -> bytes:
        """The encoded bytes. Raises DataError naming the file when there are none."""
        ...

    def head(self) -> bytes:
        """The first bytes, where a picture's size stands; cheaper than `read` where only the size is wanted."""
        ...

    def stamp(self) -> str:
        """A cheap mark that changes when the content may have changed, without reading it."""
        ...

    def fingerprint(self) -> str:
        """Identity by content: equal bytes, equal fingerprint, wherever they lie."""
        ...


@dataclass(frozen=True)
class DiskImage:
    """A file, or a span of one (a member of a tar), read when asked.

    Args:
        path: the file.
        offset: where the image starts in it, in bytes.
        length: how many bytes it has; None for the rest of the file.
    """

    path: Path
    offset: int = 0
    length: int | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.length is None else f"{self.path}@{self.offset}+{self.length}"

    def read(self) -> bytes:
        return self._bytes(-1 if self.length is None else self.length)

    def head(self) -> bytes:
        return self._bytes(HEAD_BYTES if self.length is None else min(HEAD_BYTES, self.length))

    def _bytes(self, count: int) -> bytes:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                return file.read(count)
        except OSError as error:
            raise DataError(f"image: got {error.strerror or error}; want a readable file", path=self.path) from error

    def stamp(self) -> str:
        try:
            stat = self.path.stat()
        except OSError as error:
            raise DataError(f"image: got {error.strerror or error}; want a readable file", path=self.path) from error
        return f"{self.name}:{stat.st_size}:{stat.st_mtime_ns}"

    def fingerprint(self) -> str:
        return _digest(self.read())


@dataclass(frozen=True)
class MemoryImage:
    """Encoded bytes that a reader already holds (a Parquet cell, a row of an idx file with a PNM header)."""

    name: str
    data: bytes = field(repr=False)

    def read(self) -> bytes:
        return self.data

    def head(self) -> bytes:
        return self.data

    def stamp(self) -> str:
        return f"{self.name}:{self.fingerprint()}"

    def fingerprint(self) -> str:
        return _digest(self.data)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class Pair(NamedTuple):
    """A candidate that is a picture with a text, where a `Match` is learned among such pairs.

    Args:
        image: the place of the picture among the Example's images.
        text: what may be said of it.
    """

    image: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row: one per (image, question); the captions of an image are a tuple on one Example.

    Args:
        id: unique over all readers, such as ``"coco2017/train/391895"``.
        images: encoded pictures; two for a pair (NLVR2), one a frame for video, none for text-only rows.
        image_ids: canonical names of the pictures over data sets (COCO 2014 and 2017 share theirs), for clean splits,
            de-duplication and counting; as many as `images`.
        text: question, sentence, pair of sentences, turns of a dialog.
        candidates: texts, image ids, boxes (x0, y0, x1, y1 in pixels of the file) or `Pair`s that a `Match` picks from;
            which are right stands in the label "match", a set of places.
        labels: the annotations by name, raw, as the file has them.
    """

    id: str
    images: tuple[ImageFile, ...] = ()
    image_ids: tuple[str, ...] = ()
    text: str | tuple[str, ...] = ""
    candidates: tuple[Any, ...] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
