"""What can go wrong through no fault of motet's: one sentence, always with the value that was found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class MotetError(Exception):
    """The parent of every error a user can cause; its text is one line: what is wrong, what was got, what is wanted."""


class ConfigError(MotetError, ValueError):
    """A recipe or an argument that cannot be."""


class DataError(MotetError, ValueError):
    """A file, or a row of one, that is not what its reader expects.

    Args:
        message: what is wrong, what was got, what is wanted.
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
        # Errors cross from loader workers to the main process by pickle, keyword arguments do not by themselves.
        return _data_error, (self.message, self.path, self.row)


def _data_error(message: str, path: Path | None, row: int | str | None) -> DataError:
    return DataError(message, path=path, row=row)


class UnsupportedTask(MotetError, TypeError):
    """A system is asked for a kind of answer it does not give; raised when the system is built."""


class CheckpointError(MotetError, RuntimeError):
    """A checkpoint that is damaged, or does not fit the run or the system it is loaded into."""


class MetricError(MotetError, ValueError):
    """A metric was given what it cannot judge."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint at the end of an error about an unknown name: the nearest known one, else all of them.

    Examples:
        >>> nearest("stesp", ["steps", "batch_size"])
        "did you mean 'steps'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
