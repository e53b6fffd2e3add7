"""A broken row waits for the one who asks for it, so that the rest of the file stays readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from motet.core import DataError

T = TypeVar("T")
P = ParamSpec("P")


def hold(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | DataError:
    """What `read(*args, **kwargs)` returns, or the DataError it raises, without its traceback, which holds the file."""
    try:
        return read(*args, **kwargs)
    except DataError as error:
        return _copy(error)


def release(held: T | DataError) -> T:
    """The value that was held.

    Raises:
        DataError: the row was broken when it was read; a fresh one each time, so that tracebacks do not pile up.
    """
    if isinstance(held, DataError):
        raise _copy(held)
    return held


def _copy(error: DataError) -> DataError:
    return DataError(error.message, path=error.path, row=error.row)
