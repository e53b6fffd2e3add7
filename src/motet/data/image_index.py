"""The images of a reader with the rows of each: the unit in which sources are counted and sampled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from motet.core import DataError, Example, Reader, Sharded


@dataclass(frozen=True)
class ImageIndex:
    """The rows of a reader, grouped by their image (or pair of images).

    A row without images is a group of its own, so that text-only sources go through the same code.

    Args:
        ids: per group the image ids of its rows; empty for text-only rows.
        starts: (groups + 1,) the start of each group in `rows`, and the end of the last.
        rows: row indices, group after group, ascending in each.
        digest: of the image ids of all groups, in order.
    """

    ids: Sequence[tuple[str, ...]]
    starts: np.ndarray
    rows: np.ndarray
    digest: bytes

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, group: int) -> np.ndarray:
        """Returns the indices of the rows of one group."""
        return self.rows[self.starts[group] : self.starts[group + 1]]


class _FirstRowIds(Sequence[tuple[str, ...]]):
    """The image ids of each group, which the reader gives for its first row: a million ids are not kept."""

    def __init__(self, reader: Reader, first_rows: np.ndarray) -> None:
        self._reader, self._first_rows = reader, first_rows

    def __len__(self) -> int:
        return len(self._first_rows)

    @overload
    def __getitem__(self, index: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, ...] | tuple[tuple[str, ...], ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(len(self))[index])
        return tuple(self._reader.keys(int(self._first_rows[index])))


def fingerprint_of(images: ImageIndex) -> dict[str, Any]:
    """Returns the number of groups, and a digest of their image ids and of the rows of each."""
    digest = hashlib.blake2b(images.digest, digest_size=16)
    digest.update(images.rows.astype("<i8").tobytes())
    digest.update(images.starts.astype("<i8").tobytes())
    return {"images": len(images), "ids": digest.hexdigest()}


def image_index(reader: Reader) -> ImageIndex:
    """Groups a reader's rows by image, in order of first appearance, without reading an image.

    Rows are compared by 128-bit digests of their ids, so that 16 bytes per row are sorted instead of the ids.

    Examples:
        >>> class Three:
        ...     def __len__(self): return 3
        ...     def keys(self, index): return (("a",), ("b",), ("a",))[index]
        >>> image_index(Three()).rows_of(0).tolist()
        [0, 2]
    """
    if isinstance(reader, Sharded):
        return _every_row(reader, reader)
    digests = bytearray()
    for row in range(len(reader)):
        digests += _digest(tuple(reader.keys(row)), row)
    pairs = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))  # stable: the rows of one image are ascending
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (pairs[order[1:]] != pairs[order[:-1]]).any(axis=1)
    bounds = np.flatnonzero(is_first)
    counts = np.diff(np.append(bounds, len(order)))
    first_rows = order[bounds]
    by_appearance = np.argsort(first_rows)
    place = np.empty_like(by_appearance)
    place[by_appearance] = np.arange(len(place))
    rows = order[np.argsort(np.repeat(place, counts), kind="stable")]
    starts = np.zeros(len(bounds) + 1, dtype=np.int64)
    np.cumsum(counts[by_appearance], out=starts[1:])
    first_rows = first_rows[by_appearance]
    digest = hashlib.blake2b(pairs[first_rows].tobytes(), digest_size=16).digest()
    return ImageIndex(_FirstRowIds(reader, first_rows), starts, rows, digest)


def _every_row(reader: Reader, shards: Sharded) -> ImageIndex:
    """Returns the index of a reader in shards, whose rows are images of their own: 8 bytes per row."""
    numbers = np.arange(len(reader) + 1)
    digest = hashlib.blake2b(digest_size=16)
    first = 0
    for count in shards.shard_rows:
        digest.update(_digest(tuple(reader.keys(first)), first) if count else b"")
        digest.update(f"{count} ".encode())
        first += count
    return ImageIndex(_FirstRowIds(reader, numbers[:-1]), numbers, numbers[:-1], digest.digest())


def _digest(ids: tuple[str, ...], row: int) -> bytes:
    """Returns 16 bytes that differ where ids differ, and for every row without an image."""
    if len(ids) == 1:
        text = f"1{ids[0]}"
    else:
        text = f"{len(ids)}{ids!r}" if ids else f"0{row}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


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
