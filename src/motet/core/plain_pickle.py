"""Reads pickles of published data sets as plain data, and refuses a file that would import or call anything.

A pickle is a program. Those of published data sets need only lists, dicts, strings and numbers, and some of them
arrays. So no other name is looked up, whatever the file contains.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from motet.core.errors import DataError

# The names under which releases of numpy from 1 to 2 wrote an array, and Python 2 and 3 its bytes.
_NUMPY = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")


def read_plain(data: bytes, *, path: Path | str, row: int | str | None = None, arrays: bool = False) -> Any:
    """Returns the content of a pickle of plain data. Strings of Python 2 are read as UTF-8, otherwise byte by byte.

    Args:
        data: the pickle.
        path: its file, for error messages.
        row: its position in the file, for error messages.
        arrays: whether it may hold arrays of numbers.

    Raises:
        DataError: the pickle refers to any other class or function (nothing is run), or is damaged.

    Examples:
        >>> read_plain(pickle.dumps({"boxes": [1, 2.5]}), path="refs.p")
        {'boxes': [1, 2.5]}
    """
    try:
        try:
            found = _Plain(data, "utf-8", arrays).load()
        except UnicodeDecodeError:
            found = _Plain(data, "latin1", arrays).load()
        return _filled(found, {}) if arrays else found
    except _Refused as error:
        want = "lists, dicts, strings and numbers" + (" and arrays" if arrays else "")
        raise DataError(
            f"pickle: got one that asks for {error}; want only {want} (nothing was run)", path=path, row=row
        ) from None
    except _BROKEN as error:
        got = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"pickle: got a damaged file ({got}); want a complete pickle", path=path, row=row) from error


_BROKEN = (
    pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError,
    MemoryError, RecursionError,
)  # fmt: skip


class _Refused(Exception):
    """A class, function or encoding that a pickle refers to and that is not allowed."""


class _Plain(pickle.Unpickler):
    def __init__(self, data: bytes, encoding: str, arrays: bool) -> None:
        super().__init__(io.BytesIO(data), encoding=encoding)
        self.arrays = arrays

    def find_class(self, module: str, name: str) -> Any:
        found = _allowed(module, name) if self.arrays else None
        if found is None:
            raise _Refused(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"a stored object {pid!r}")


class _Type:
    """A placeholder for a dtype while a pickle is read: numpy's own accepts more from a file than its name."""

    def __init__(self, name: Any = "", *more: Any) -> None:
        del more
        self.name, self.order = str(name), "="

    def __setstate__(self, state: Any) -> None:
        self.order = str(state[1])

    def known(self) -> np.dtype[Any]:
        """Returns the dtype if it is one of numbers or booleans."""
        found: np.dtype[Any] = np.dtype(self.name)
        if found.kind not in "biuf":
            raise _Refused(f"an array of {self.name!r}")
        match self.order:
            case "<" | "=" | "|":
                return found.newbyteorder("<")
            case ">":
                return found.newbyteorder(">")
        raise _Refused(f"an array of byte order {self.order!r}")


class _Array:
    """A placeholder for an array while a pickle is read."""

    values: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, data = state
        self.values = _array(data, kind, shape, "F" if by_columns else "C")


def _allowed(module: str, name: str) -> Any:
    """Returns this module's replacement for a name that an array of numbers is made of, or None."""
    if module == "_codecs" and name == "encode":
        return _encode
    if name == "bytes" and module in ("builtins", "__builtin__"):
        return _no_bytes
    parts = {
        "ndarray": _Array, "dtype": _Type, "_reconstruct": _reconstruct, "scalar": _scalar, "_frombuffer": _array,
    }  # fmt: skip
    return parts.get(name) if module in _NUMPY else None


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise _Refused(f"the encoding {encoding!r}")
    return text.encode(encoding)


def _no_bytes(*given: Any) -> bytes:
    if given:
        raise _Refused("bytes of something")
    return b""


def _reconstruct(*given: Any) -> _Array:
    del given
    return _Array()  # filled by the state that follows


def _scalar(kind: Any, data: Any) -> Any:
    return _array(data, kind, (), "C")[()]


def _array(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(kind, _Type):
        raise _Refused(f"an array of {kind!r}")
    raw = data.encode("latin1") if isinstance(data, str) else data  # Python 2's bytes
    flat = np.frombuffer(raw, dtype=kind.known()).copy()
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _filled(value: Any, known: dict[int, Any]) -> Any:
    """Returns the value with arrays in place of their placeholders."""
    if isinstance(value, _Array):
        if value.values is None:
            raise ValueError("an array without its values")
        return value.values
    if id(value) in known:
        return known[id(value)]
    match value:
        case dict():
            known[id(value)] = value
            for key, part in list(value.items()):
                value[key] = _filled(part, known)
        case list():
            known[id(value)] = value
            value[:] = [_filled(part, known) for part in value]
        case tuple():
            return tuple(_filled(part, known) for part in value)
        case _Type() | type():
            raise _Refused("a type as data")
    return value
