"""Reads tables as columns: CSV, TSV, TXT, JSON, JSONL, Parquet."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, nearest
from motet.core.errors import repeated
from motet.data.formats.delimited import delimited_rows
from motet.data.formats.json_file import check_type, load_json_lines
from motet.data.formats.json_rows import json_rows
from motet.data.formats.packed_cells import PackedCells
from motet.data.formats.parquet_file import first_parquet_rows, load_parquet

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet")
_DELIMITED = (".csv", ".tsv", ".txt")
_MAX_NUMBER = 40  # characters; a longer one is a text
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def table_suffix(path: Path) -> str:
    """Returns the format of a table by its file name; a folder is one of Parquet files.

    Raises:
        DataError: an unknown format.
    """
    if path.is_dir():
        return ".parquet"
    suffixes = [suffix for suffix in SUFFIXES if path.name.lower().removesuffix(".gz").endswith(suffix)]
    if not suffixes:
        raise DataError(f"table: got the name {path.name!r}; want one that ends in {', '.join(SUFFIXES)}", path=path)
    return suffixes[0]


def check_columns(columns: Collection[str], present: Collection[str], path: Path) -> None:
    """Checks that the table has every column.

    Raises:
        DataError: a column is missing.
    """
    for column in columns:
        if column not in present:
            hint = nearest(column, present)
            raise DataError(f"column {column!r}: got a table without it; want it ({hint})", path=path)


@dataclass(frozen=True)
class TableForm:
    """The form of a table where its file does not show it.

    Args:
        encoding: of a CSV, TSV or TXT; by default UTF-8, or UTF-16 where it begins with a byte-order mark.
        header: the names of the columns of a CSV, TSV or TXT that has no line of them.
        key: of the list of rows in a JSON object that has several lists.
    """

    encoding: str = ""
    header: tuple[str, ...] = ()
    key: str = ""

    def check(self, path: Path) -> None:
        """Checks that the file's format has what is given.

        Raises:
            ConfigError: an encoding or header of a JSON or Parquet file, or a key of another.
        """
        suffix = table_suffix(path)
        formats = {"encoding": _DELIMITED, "header": _DELIMITED, "key": (".json",)}
        for name, fitting in formats.items():
            if getattr(self, name) and suffix not in fitting:
                raise ConfigError(f"{name}: got {getattr(self, name)!r} for a {suffix} file; want none")


PLAIN = TableForm()


def load_columns(path: Path, columns: Collection[str], form: TableForm = PLAIN) -> dict[str, Sequence[Any]]:
    """Returns columns of equal length, packed where their cells are plain; a cell that a JSON row lacks is None.

    Raises:
        DataError: no such file, a missing column, a row with another number of cells than the header, a line that is
            not a JSON object, a broken Parquet file, or more than 2 GiB of Parquet.
        ConfigError: Parquet without the extra that reads it, or a form that is not the format's.
    """
    form.check(path)
    match table_suffix(path):
        case ".parquet":
            return {**load_parquet(path, columns)}
        case ".csv" | ".tsv" | ".txt":
            return _text_columns(path, columns, form)
        case _:
            return _json_columns(path, columns, form)


def first_rows(path: Path, count: int, form: TableForm = PLAIN) -> list[Mapping[str, Any]]:
    """Returns the first rows with all their columns, without reading the rest where the format allows it.

    Raises:
        DataError: as `load_columns`.
        ConfigError: as `load_columns`.
    """
    form.check(path)
    match table_suffix(path):
        case ".parquet":
            return first_parquet_rows(path, count)
        case ".csv" | ".tsv" | ".txt":
            rows = delimited_rows(path, encoding=form.encoding)
            header = form.header or _header(rows, path)
            return [dict(zip(header, cells, strict=False)) for cells in itertools.islice(rows, count)]
        case _:
            return list(itertools.islice(_entries(path, form), count))


def as_number(cell: object) -> object:
    """Returns the number that a text cell contains; any other cell is returned unchanged.

    Examples:
        >>> as_number("2.50"), as_number("007"), as_number("two")
        (2.5, '007', 'two')
    """
    if not isinstance(cell, str) or len(cell) > _MAX_NUMBER or not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if set(cell) & set(".eE") else int(cell)


def _header(rows: Iterator[list[str]], path: Path) -> tuple[str, ...]:
    header = tuple(next(rows, ()))
    if not header:
        raise DataError("header: got an empty file; want a line of column names", path=path)
    named = [name for name in header if name.strip()]  # a spreadsheet may have empty columns
    if len(set(named)) != len(named):
        twice = repeated(named)
        raise DataError(f"header: got {twice} more than once; want every column name once", path=path)
    return header


def _json_columns(path: Path, columns: Collection[str], form: TableForm) -> dict[str, Sequence[Any]]:
    """Packs the cells row by row, so that the rows of a large file are never in memory at once."""
    found, present = {column: PackedCells() for column in columns}, set[str]()
    for entry in _entries(path, form):
        present |= entry.keys()
        for column, cells in found.items():
            cells.append(entry.get(column))
    if any(map(len, found.values())):
        check_columns(columns, present, path)
    return dict(found)


def _text_columns(path: Path, columns: Collection[str], form: TableForm) -> dict[str, Sequence[Any]]:
    rows = delimited_rows(path, encoding=form.encoding)
    header = form.header or _header(rows, path)
    check_columns(columns, header, path)
    places = {column: header.index(column) for column in columns}
    found = {column: PackedCells() for column in places}
    for row, cells in enumerate(rows):
        if len(cells) != len(header):
            raise DataError(f"columns: got {len(cells)}; want {len(header)}, as in the header", path=path, row=row)
        for column, place in places.items():
            found[column].append(cells[place])
    return dict(found)


def _entries(path: Path, form: TableForm) -> Iterator[Mapping[str, Any]]:
    if table_suffix(path) == ".json":
        yield from json_rows(path, key=form.key)
        return
    for row, value in enumerate(load_json_lines(path)):
        yield check_type(value, dict, "row", path=path, row=row)
