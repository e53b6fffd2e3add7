"""The base of readers whose rows another reader has."""

from __future__ import annotations

from dataclasses import dataclass, field

from motet.core import Example, Reader


@dataclass(frozen=True)
class WrappedReader:
    """A reader that only finds the files and names of its data set; its rows are those of `_rows`."""

    _rows: Reader = field(init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row without reading the images."""
        return self._rows.keys(index)

    def __getitem__(self, index: int) -> Example:
        return self._rows[index]
