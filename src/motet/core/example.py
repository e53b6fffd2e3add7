"""Rows of a data set as they are stored: encoded images and raw annotations, independent of any task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from motet.core.errors import DataError
from motet.core.regular_files import file_size

_MAX_BYTES = 2**30  # of an image as it is stored; as many pixels as are read take half of it without compression
HEAD_BYTES = 2**16
"""Bytes that `ImageFile.head` reads. A JPEG may have its size after a segment of 64 KiB, but this is rare."""


@runtime_checkable
class ImageFile(Protocol):
    """An encoded image (JPEG, PNG, PNM, ...); `preprocess.images` decodes it when it is needed."""

    @property
    def name(self) -> str:
        """The name in error messages: a path, or a path and the position in the file."""
        ...

    def read(self) -> bytes:
        """Returns the encoded bytes. Raises DataError with the file's name if it cannot be read."""
        ...

    def head(self) -> bytes:
        """Returns the first bytes, which hold the image's size; cheaper than `read` when only the size is needed."""
        ...

    def stamp(self) -> str:
        """Returns a string that changes when the content may have changed, without reading the content."""
        ...

    def fingerprint(self) -> str:
        """Returns a digest of the bytes: equal bytes have an equal fingerprint, wherever they are stored."""
        ...


@dataclass(frozen=True)
class DiskImage:
    """A file, or a byte range of one (a member of a tar archive), that is read when it is needed.

    Args:
        path: the file.
        offset: start of the image in the file, in bytes.
        length: number of bytes; None for the rest of the file.
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
            left = file_size(self.path) - self.offset
            size = left if count < 0 else min(count, left)
            if size > _MAX_BYTES:
                raise ValueError(f"{size:,} bytes, more than any image has")
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                return file.read(count)
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or error
            raise DataError(f"image: got {got}; want a readable file", path=self.path) from error

    def stamp(self) -> str:
        try:
            stat = self.path.stat()
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or error
            raise DataError(f"image: got {got}; want a readable file", path=self.path) from error
        return f"{self.name}:{stat.st_size}:{stat.st_mtime_ns}"

    def fingerprint(self) -> str:
        return _digest(self.read())


@dataclass(frozen=True)
class MemoryImage:
    """Encoded bytes that a reader already holds in memory (a Parquet cell, a row of an idx file with a PNM header)."""

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
    """A candidate of a `Match` that consists of an image and a text.

    Attributes:
        image: the index of the image among the Example's images.
        text: the text paired with it.
    """

    image: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row of a data set: one per (image, question); all captions of an image are a tuple in one Example.

    Args:
        id: unique over all readers, such as ``"coco2017/train/391895"``.
        images: encoded images; two for a pair (NLVR2), one per frame for video, none for text-only rows.
        image_ids: canonical names of the images over data sets (COCO 2014 and 2017 share theirs), for clean splits,
            de-duplication and counting; as many as `images`.
        text: question, sentence, pair of sentences, turns of a dialog.
        candidates: texts, image ids, boxes (x0, y0, x1, y1 in pixels of the file) or `Pair`s that a `Match` chooses
            from; the label "match" holds the indices of the right ones, as a set.
        labels: the raw annotations by name, as the file has them.
    """

    id: str
    images: tuple[ImageFile, ...] = ()
    image_ids: tuple[str, ...] = ()
    text: str | tuple[str, ...] = ""
    candidates: tuple[Any, ...] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
