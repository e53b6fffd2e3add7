"""Errors that a user can cause or correct; each message is one line with the value that was found."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from motet.core.printable import one_line

_MAX_LINE, _END = 2000, 400  # characters of a message, and of its end, which names the file


class MotetError(Exception):
    """The base class of errors a user can cause; the message is one line: what is wrong, the value, what is wanted.

    A value that came from a file may hold line feeds, signs that steer a terminal, or halves of characters: they are
    shown as escapes. A message of a list without end is cut in its middle.

    Examples:
        >>> str(MotetError("name: got 'a\\nb'; want a word"))
        "name: got 'a\\\\nb'; want a word"
    """

    def __str__(self) -> str:
        text = one_line(super().__str__())
        return text if len(text) <= _MAX_LINE else f"{text[: _MAX_LINE - _END]} ... {text[-_END:]}"


class ConfigError(MotetError, ValueError):
    """A recipe or an argument that is invalid."""


class DataError(MotetError, ValueError):
    """A file, or a row of one, that differs from what its reader expects.

    Args:
        message: what is wrong, the value found, what is wanted.
        path: the file.
        row: the row, entry or line in that file, counted from 0, or its key.

    Examples:
        >>> print(DataError("answers: got 9; want 10", path="annotations.json", row=3))
        answers: got 9; want 10 (annotations.json, row 3)
    """

    def __init__(self, message: str, *, path: str | Path | None = None, row: int | str | None = None) -> None:
        self.message, self.path, self.row = message, None if path is None else Path(path), row
        where = ", ".join([*([str(path)] if path is not None else []), *([f"row {row}"] if row is not None else [])])
        super().__init__(f"{message} ({where})" if where else message)

    def __reduce__(self) -> tuple[object, ...]:
        # Loader workers send errors to the main process by pickle, which by default drops keyword arguments.
        return _data_error, (self.message, self.path, self.row)


def _data_error(message: str, path: Path | None, row: int | str | None) -> DataError:
    return DataError(message, path=path, row=row)


class UnsupportedTask(MotetError, TypeError):
    """A task with a kind of target that a system does not support; raised when the system is built."""


class CheckpointError(MotetError, RuntimeError):
    """A checkpoint that is damaged, or does not fit the run or the system it is loaded into."""


class MetricError(MotetError, ValueError):
    """A prediction, an annotation or a target that a metric cannot evaluate."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the hint at the end of an error about an unknown name: the nearest known name, else all of them.

    Examples:
        >>> nearest("stesp", ["steps", "batch_size"])
        "did you mean 'steps'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def repeated(names: Iterable[str]) -> list[str]:
    """Returns the names that occur more than once, sorted.

    Examples:
        >>> repeated(["cat", "dog", "cat"])
        ['cat']
    """
    return sorted(name for name, count in Counter(names).items() if count > 1)
