"""Data frames of pandas, polars and pyarrow as plain columns, without importing any of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from motet.core import ConfigError

Cells: TypeAlias = Mapping[str, Sequence[Any]]
"""The columns of a frame by name; all of one length, and None where a cell is missing."""
_WANT = "want a pandas or polars DataFrame, a pyarrow Table, or a mapping from the names of splits to one per split"


def frame_cells(frame: Any) -> Cells:
    """Returns the columns of a data frame with plain cells.

    Raises:
        ConfigError: another object, or a column name that is no text or occurs twice.
    """
    package = type(frame).__module__.partition(".")[0]
    kind = type(frame).__name__
    match package, kind:
        case "pandas", "DataFrame":
            names = [_name(name) for name in frame.columns]
            columns = [frame.iloc[:, place].astype(object) for place in range(len(names))]
            # Missing are None, NaN, NaT and NA.
            found = [column.where(column.notna(), None).tolist() for column in columns]
        case "polars", "DataFrame":
            names, found = list(frame.columns), [column.to_list() for column in frame.get_columns()]
        case "polars", "LazyFrame":
            raise ConfigError(f"frame: got a polars LazyFrame; want its rows: frame.collect(), or {_WANT}")
        case "pyarrow", "Table":
            names, found = list(frame.column_names), [column.to_pylist() for column in frame.columns]
        case _:
            raise ConfigError(f"frame: got a {kind} of {package}; {_WANT}")
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ConfigError(f"frame: got the columns {twice} more than once; want every name once")
    return {name: [plain_cell(cell) for cell in cells] for name, cells in zip(names, found, strict=True)}


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise ConfigError(f"frame: got the column name {name!r}; want texts: frame.rename(columns=str)")
    return name


def plain_cell(cell: Any) -> Any:
    """Returns a cell as a value of Python: a number, a text, a path as text, bytes, a list; missing ones as None.

    Images of PIL and arrays of images stay as they are.

    Examples:
        >>> plain_cell(np.int64(3)), plain_cell(float("nan")), plain_cell(Path("a/b.jpg"))
        (3, None, 'a/b.jpg')
    """
    match cell:
        case float():
            return None if cell != cell else cell
        case np.generic():
            return plain_cell(cell.item())
        case np.ndarray() if cell.ndim == 1:
            return [plain_cell(part) for part in cell.tolist()]
        case Path():
            return str(cell)
        case datetime.date() | datetime.time():
            return cell.isoformat()
        case list() | tuple():
            return [plain_cell(part) for part in cell]
    return cell
