"""Files to Examples: random access, the same order every time, no randomness."""

from __future__ import annotations

from typing import Protocol

from motet.core.example import Example


class Reader(Protocol):
    """The only room where a file format is known.

    A reader pickles (loader workers get a copy) and holds no open file.
    """

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def keys(self, index: int) -> tuple[str, ...]:
        """The image ids of a row, without decoding and without touching the image."""
        ...

    def __getitem__(self, index: int) -> Example:
        """The row. Raises DataError naming file and row; IndexError past the end."""
        ...
