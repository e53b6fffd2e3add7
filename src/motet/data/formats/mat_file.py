"""Reads one variable of a MATLAB file of version 5 to 7.2: numbers, texts, cells and structs.

scipy's reader ends the process (SIGSEGV) on some changed files and trusts the sizes they declare.

Source: "MAT-File Format", The MathWorks, chapter 1 (level 5).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias, Union

import numpy as np

from motet.core import DataError
from motet.data.formats.size_limits import inflated_limit
from motet.data.formats.text_file import read_bytes

MatValue: TypeAlias = Union[np.ndarray, str, "list[MatValue]", "dict[str, MatValue]"]
"""Numbers as an array of MATLAB's shape, a text, cells in the order of columns, a struct by its fields."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_KINDS = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX, _LOGICAL = 0x08, 0x02
_MAX_DEPTH = 16


def read_mat(path: Path, name: str) -> MatValue:
    """Returns a variable.

    Raises:
        DataError: no such file, none of MATLAB, one that would become too large, or one without the variable.
    """
    data = read_bytes(path)
    try:
        return _find(data, name)
    except (ValueError, LookupError, struct.error, zlib.error, OverflowError) as error:
        got = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: got {got}; want a .mat that has it", path=path) from error


def numbers_of(path: Path, name: str) -> np.ndarray:
    """Returns a variable of finite numbers.

    Raises:
        DataError: as `read_mat`, or a variable of something else.
    """
    found = read_mat(path, name)
    if not isinstance(found, np.ndarray) or not np.isfinite(found).all():
        raise DataError(f"{name}: got a {type(found).__name__}; want finite numbers", path=path)
    return found


def as_list(value: MatValue) -> list[MatValue]:
    """Returns the cells of a value, or the value itself as the only one."""
    return value if isinstance(value, list) else [value]


def _find(data: bytes, name: str) -> MatValue:
    if len(data) < _HEADER or data[126:128] not in (b"IM", b"MI"):
        raise ValueError("a file that is none of MATLAB's version 5 to 7.2")
    order = "<" if data[126:128] == b"IM" else ">"
    left = inflated_limit(len(data))
    names = []
    for kind, content in _elements(data, _HEADER, order):
        if kind == _COMPRESSED:
            inflated = zlib.decompressobj().decompress(content, left + 1)
            left -= len(inflated)
            if left < 0:
                raise ValueError(f"{len(data):,} bytes that become more than {inflated_limit(len(data)):,}")
            kind, content = next(_elements(inflated, 0, order))
        matrix = _Matrix(content, order)
        names.append(matrix.name)
        if kind == _MATRIX and matrix.name == name:
            return matrix.value(0)
    raise ValueError(f"{', '.join(names[:9]) or 'no variable'}")


def _elements(data: bytes, at: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Yields type and content of the elements that follow each other."""
    while at < len(data):
        kind, length = struct.unpack_from(f"{order}II", data, at)
        if kind >> 16:  # up to four bytes within the tag
            length, kind = kind >> 16, kind & 0xFFFF
            if length > 4:
                raise ValueError(f"a short element of {length} bytes")
            yield kind, data[at + 4 : at + 4 + length]
            at += 8
            continue
        start = at + 8
        if start + length > len(data):
            raise ValueError(f"an element of {length:,} bytes beyond the end")
        yield kind, data[start : start + length]
        # Compressed elements are not padded to eight bytes.
        at = start + length + (0 if kind == _COMPRESSED else -length % 8)


class _Matrix:
    """One variable, cell or field: its flags, sizes and name, and the elements of its value."""

    def __init__(self, data: bytes, order: str) -> None:
        self.order, self.name = order, ""
        self._shape: tuple[int, ...]
        self._parts = _elements(data, 0, order)
        self._size = len(data)
        if not data:  # an empty cell
            self._kind, self._flags, self._shape = 6, 0, (0, 0)
            self._parts = iter([(9, b"")])
            return
        flags = self._next()[1]
        self._kind, self._flags = (flags[0], flags[1]) if order == "<" else (flags[3], flags[2])
        self._shape = tuple(int(side) for side in np.frombuffer(self._next()[1], f"{order}i4"))
        if len(self._shape) < 2 or len(self._shape) > 32 or any(side < 0 for side in self._shape):
            self._refuse(f"the shape {self._shape}")
        self.name = self._next()[1].decode("latin1")

    def value(self, depth: int) -> MatValue:
        """Returns the value, with those within it."""
        if depth > _MAX_DEPTH:
            self._refuse(f"more than {_MAX_DEPTH} cells within cells")
        count = math.prod(self._shape)
        if self._kind in _KINDS:
            return self._numbers(count)
        if self._kind == _CHAR:
            return self._text()
        if self._kind == _CELL:
            return [self._inner(depth) for _ in range(self._checked(count))]
        if self._kind == _STRUCT:
            return self._struct(count, depth)
        return self._refuse(f"a value of class {self._kind}; want numbers, texts, cells or structs")

    def _next(self) -> tuple[int, bytes]:
        found = next(self._parts, None)
        return self._refuse("an end within a value") if found is None else found

    def _inner(self, depth: int) -> MatValue:
        kind, content = self._next()
        if kind != _MATRIX:
            self._refuse(f"an element of type {kind} as a cell")
        return _Matrix(content, self.order).value(depth + 1)

    def _checked(self, count: int) -> int:
        """Returns a number of cells, each of which needs eight bytes."""
        return count if 8 * count <= self._size else self._refuse(f"{count:,} cells in {self._size:,} bytes")

    def _numbers(self, count: int) -> np.ndarray:
        kind, content = self._next()
        if kind not in _NUMBERS or self._flags & _COMPLEX:
            self._refuse(f"numbers of type {kind}")
        stored = np.frombuffer(content, f"{self.order}{_NUMBERS[kind]}")
        if len(stored) != count:
            self._refuse(f"{len(stored):,} numbers for the shape {self._shape}")
        with np.errstate(invalid="ignore", over="ignore"):
            found = stored.astype(np.bool_ if self._flags & _LOGICAL else _KINDS[self._kind])
        return found.reshape(self._shape, order="F")

    def _text(self) -> str:
        kind, content = self._next()
        if kind not in _TEXTS:
            self._refuse(f"a text of type {kind}")
        wide = {"utf-16": {"<": "utf-16-le", ">": "utf-16-be"}, "utf-32": {"<": "utf-32-le", ">": "utf-32-be"}}
        encoding = _TEXTS[kind]
        return content.decode(wide.get(encoding, {}).get(self.order, encoding))

    def _struct(self, count: int, depth: int) -> MatValue:
        length = int(np.frombuffer(self._next()[1], f"{self.order}i4")[0])
        names = self._next()[1]
        if length < 1 or len(names) % length:
            self._refuse(f"fields of {length} characters")
        fields = [names[at : at + length].split(b"\0")[0].decode("latin1") for at in range(0, len(names), length)]
        self._checked(count * max(1, len(fields)))
        found: list[MatValue] = [{field: self._inner(depth) for field in fields} for _ in range(count)]
        return found[0] if count == 1 else found

    def _refuse(self, got: str) -> NoReturn:
        raise ValueError(got)
