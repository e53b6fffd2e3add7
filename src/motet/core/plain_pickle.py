"""Reads pickles of published data sets as plain data, and refuses a file that would import or call anything.

A pickle is a program. Those of published data sets need only lists, dicts, strings and numbers, and some of them
arrays. So no other name is looked up, whatever the file contains.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motet.core.errors import DataError
from motet.core.pickle_machine import LimitError, Machine, NotPlainError

# The names under which releases of numpy from 1 to 2 wrote an array, and Python 2 and 3 its bytes.
_NUMPY = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")


def read_plain(data: bytes, *, path: Path | str, row: int | str | None = None, arrays: bool = False) -> Any:
    """Returns the content of a pickle of plain data. A string of Python 2 is read as UTF-8, otherwise byte by byte.

    Args:
        data: the pickle.
        path: its file, for error messages.
        row: its position in the file, for error messages.
        arrays: whether it may hold arrays of numbers.

    Raises:
        DataError: the pickle refers to any other class or function (nothing is run), is damaged, or exceeds a limit of
            `pickle_machine`.

    Examples:
        >>> import pickle
        >>> read_plain(pickle.dumps({"boxes": [1, 2.5]}), path="refs.p")
        {'boxes': [1, 2.5]}
    """
    try:
        found = Machine(data, _allowed if arrays else _none).run()
        return _filled(found, {}) if arrays else found
    except NotPlainError as error:
        want = "lists, dicts, strings and numbers" + (" and arrays" if arrays else "")
        raise DataError(
            f"pickle: got one that asks for {error}; want only {want} (nothing was run)", path=path, row=row
        ) from None
    except LimitError as error:
        raise DataError(
            f"pickle: got {error}; want a smaller file, or the same data as JSON", path=path, row=row
        ) from None
    except _BROKEN as error:
        got = " ".join(str(error).split())[:_MAX_SHOWN] or type(error).__name__
        raise DataError(f"pickle: got a damaged file ({got}); want a complete pickle", path=path, row=row) from error


_MAX_SHOWN = 120
_BROKEN = (LookupError, AttributeError, TypeError, ValueError, OverflowError, MemoryError)


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
            raise NotPlainError(f"an array of {self.name!r}")
        match self.order:
            case "<" | "=" | "|":
                return found.newbyteorder("<")
            case ">":
                return found.newbyteorder(">")
        raise NotPlainError(f"an array of byte order {self.order!r}")


class _Array:
    """A placeholder for an array while a pickle is read."""

    values: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, data = state
        self.values = _array(data, kind, shape, "F" if by_columns else "C")


def _none(module: str, name: str) -> None:
    del module, name


def _allowed(module: str, name: str) -> Callable[..., Any] | None:
    """Returns this module's replacement for a name that an array of numbers is made of, or None."""
    if module == "_codecs" and name == "encode":
        return _encode
    if name == "bytes" and module in ("builtins", "__builtin__"):
        return _no_bytes
    parts: dict[str, Callable[..., Any]] = {
        "ndarray": _Array, "dtype": _Type, "_reconstruct": _reconstruct, "scalar": _scalar, "_frombuffer": _array,
    }  # fmt: skip
    return parts.get(name) if module in _NUMPY else None


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise NotPlainError(f"the encoding {encoding!r}")
    return text.encode(encoding)


def _no_bytes(*given: Any) -> bytes:
    if given:
        raise NotPlainError("bytes of something")
    return b""


def _reconstruct(*given: Any) -> _Array:
    del given
    return _Array()  # filled by the state that follows


def _scalar(kind: Any, data: Any) -> Any:
    return _array(data, kind, (), "C")[()]


def _array(data: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    if not isinstance(kind, _Type):
        raise NotPlainError(f"an array of {kind!r}")
    known = kind.known()
    if isinstance(data, str):  # Python 2's bytes, which were read as UTF-8 where they happened to be that
        data = data.encode("latin1" if len(data) == math.prod(shape) * known.itemsize else "utf-8")
    flat = np.frombuffer(data, dtype=known).copy()
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
            raise NotPlainError("a type as data")
    return value
