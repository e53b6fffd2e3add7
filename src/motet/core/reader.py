"""The protocol of readers, which turn the files of a data set into Examples."""

from __future__ import annotations

from typing import Protocol

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
