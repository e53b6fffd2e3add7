"""The protocol of readers, which turn the files of a data set into Examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from motet.core.example import Example


class Reader(Protocol):
    """Random access to the rows of a data set, in a fixed order and without randomness.

    Only a reader knows a file format. It can be pickled (loader workers get a copy) and holds no open file.
    """

    def __len__(self) -> int:
        """Returns the number of rows."""
        ...

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row without reading the images."""
        ...

    def __getitem__(self, index: int) -> Example:
        """Returns a row. Raises DataError with file and row; IndexError beyond the last row."""
        ...


@runtime_checkable
class Sharded(Protocol):
    """A reader whose rows are dear to read in any order: they are read shard by shard, shuffled inside windows.

    Rows 0 to n - 1 are those of its first shard, and so on. Each row counts as an image of its own.
    """

    @property
    def shard_rows(self) -> Sequence[int]:
        """The rows of each shard."""
        ...

    @property
    def window(self) -> int:
        """The number of rows, in the order of the shuffled shards, that are shuffled together."""
        ...
