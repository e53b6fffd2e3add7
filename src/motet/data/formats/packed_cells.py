"""A column of a table in one array of bytes: its cells are parsed when they are asked for."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, overload

_TEXT, _JSON = 0, 1


class PackedCells(Sequence[Any]):
    """Cells of JSON or CSV: texts, numbers, true and false, None, lists and objects of these.

    A text takes its bytes and nine more, a tenth of a string in a list; any other cell is kept as JSON.

    Examples:
        >>> cells = PackedCells.of(["cat", None, 2.5, ["a", "b"]])
        >>> len(cells), cells[0], cells[-1], list(cells[1:3])
        (4, 'cat', ['a', 'b'], [None, 2.5])
    """

    def __init__(self) -> None:
        self._data, self._ends, self._kinds = bytearray(), array("q"), bytearray()

    @classmethod
    def of(cls, cells: Iterable[Any]) -> PackedCells:
        """Packs cells, one after the other."""
        packed = cls()
        for cell in cells:
            packed.append(cell)
        return packed

    def append(self, cell: Any) -> None:
        """Adds a cell at the end."""
        is_text = isinstance(cell, str)
        # JSON can spell a lone surrogate, which UTF-8 alone has no bytes for.
        self._data += (cell if is_text else json.dumps(cell)).encode("utf-8", "surrogatepass")
        self._ends.append(len(self._data))
        self._kinds.append(_TEXT if is_text else _JSON)

    @property
    def nbytes(self) -> int:
        """Bytes of all cells."""
        return len(self._data) + 8 * len(self._ends) + len(self._kinds)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        index = range(len(self._ends))[index]
        start = self._ends[index - 1] if index else 0
        text = self._data[start : self._ends[index]].decode("utf-8", "surrogatepass")
        return text if self._kinds[index] == _TEXT else json.loads(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_same, self, other))

    __hash__ = None  # type: ignore[assignment]  # as a list has none


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)
