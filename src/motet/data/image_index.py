"""What of a source is counted and taken: its images, each with the rows that ask about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from motet.core import Reader


@dataclass(frozen=True)
class ImageIndex:
    """The rows of a reader, put together by the image (or the pair of images) they are about.

    A row without images is a unit of its own, so that text-only sources go through the same code.

    Args:
        ids: for each unit the image ids of its rows; empty for text-only rows.
        starts: where each unit's rows start in `rows`, one more than there are units.
        rows: row indices, unit after unit, ascending in each.
    """

    ids: tuple[tuple[str, ...], ...]
    starts: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, unit: int) -> np.ndarray:
        """The rows about one image."""
        return self.rows[self.starts[unit] : self.starts[unit + 1]]


def fingerprint_of(images: ImageIndex) -> dict[str, Any]:
    """How many images there are, and a digest of their ids and of which rows are about which."""
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
    unit_of: dict[tuple[str, ...], int] = {}
    ids: list[tuple[str, ...]] = []
    units = np.empty(len(reader), dtype=np.int64)
    for row in range(len(reader)):
        keys = tuple(reader.keys(row))
        unit = unit_of.setdefault(keys, len(ids)) if keys else len(ids)
        if unit == len(ids):
            ids.append(keys)
        units[row] = unit
    order = np.argsort(units, kind="stable")
    starts = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum(np.bincount(units, minlength=len(ids)), out=starts[1:])
    return ImageIndex(tuple(ids), starts, order)
