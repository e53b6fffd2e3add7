"""The images of a reader with the rows of each: the unit in which sources are counted and sampled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from motet.core import DataError, Example, Reader


@dataclass(frozen=True)
class ImageIndex:
    """The rows of a reader, grouped by their image (or pair of images).

    A row without images is a group of its own, so that text-only sources go through the same code.

    Args:
        ids: per group the image ids of its rows; empty for text-only rows.
        starts: (groups + 1,) the start of each group in `rows`, and the end of the last.
        rows: row indices, group after group, ascending in each.
    """

    ids: tuple[tuple[str, ...], ...]
    starts: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, group: int) -> np.ndarray:
        """Returns the indices of the rows of one group."""
        return self.rows[self.starts[group] : self.starts[group + 1]]


def fingerprint_of(images: ImageIndex) -> dict[str, Any]:
    """Returns the number of groups, and a digest of their image ids and of the rows of each."""
    digest = hashlib.blake2b(digest_size=16)
    for ids in images.ids:
        digest.update("\x1f".join((*ids, "\n")).encode())
    digest.update(images.rows.astype("<i8").tobytes())
    return {"images": len(images), "ids": digest.hexdigest()}


def image_index(reader: Reader) -> ImageIndex:
    """Groups a reader's rows by image, in order of first appearance, without reading an image.

    Examples:
        >>> class Three:
        ...     def __len__(self): return 3
        ...     def keys(self, index): return (("a",), ("b",), ("a",))[index]
        >>> image_index(Three()).rows_of(0).tolist()
        [0, 2]
    """
    group_of: dict[tuple[str, ...], int] = {}
    ids: list[tuple[str, ...]] = []
    groups = np.empty(len(reader), dtype=np.int64)
    for row in range(len(reader)):
        keys = tuple(reader.keys(row))
        group = group_of.setdefault(keys, len(ids)) if keys else len(ids)
        if group == len(ids):
            ids.append(keys)
        groups[row] = group
    order = np.argsort(groups, kind="stable")
    starts = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum(np.bincount(groups, minlength=len(ids)), out=starts[1:])
    return ImageIndex(tuple(ids), starts, order)


def first_readable(reader: Reader, rows: Iterable[int]) -> Example:
    """Returns the first of some rows that can be read: a broken row says nothing about the others.

    Raises:
        DataError: none of them can be read; the error of the first.
    """
    first: DataError | None = None
    for row in rows:
        try:
            return reader[row]
        except DataError as error:
            first = first or error
    raise first or DataError("rows: got none; want at least one")
