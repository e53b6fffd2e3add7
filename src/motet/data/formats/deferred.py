"""Defers the error of a broken row until that row is read, so that the rest of the file stays readable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from motet.core import DataError

T = TypeVar("T")
P = ParamSpec("P")


def capture(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | DataError:
    """Returns the value of `read(*args, **kwargs)`, or the DataError that it raises.

    The error has no traceback: a traceback would keep the whole parsed file in memory.
    """
    try:
        return read(*args, **kwargs)
    except DataError as error:
        return _copy(error)


def unwrap(captured: T | DataError) -> T:
    """Returns a captured value.

    Raises:
        DataError: the row was broken when it was parsed. Each call raises a new one, so that tracebacks do not grow.
    """
    if isinstance(captured, DataError):
        raise _copy(captured)
    return captured


def unwrap_all(captured: Iterable[T | DataError]) -> tuple[T, ...]:
    """Returns several captured values.

    Raises:
        DataError: the first broken one.
    """
    return tuple(unwrap(one) for one in captured)


def _copy(error: DataError) -> DataError:
    return DataError(error.message, path=error.path, row=error.row)
