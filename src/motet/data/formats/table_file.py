"""Reads tables as columns: CSV, TSV, JSON, JSONL, Parquet."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from motet.core import DataError, nearest
from motet.core.errors import repeated
from motet.data.formats.json_file import check_type, load_json, load_json_lines
from motet.data.formats.parquet_file import first_parquet_rows, load_parquet
from motet.data.formats.text_file import read_csv, read_lines

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")
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


def load_columns(path: Path, columns: Collection[str]) -> dict[str, list[Any]]:
    """Returns columns of equal length; a cell that a JSON row lacks is None.

    Raises:
        DataError: no such file, a missing column, a row with another number of cells than the header, a line that is
            not a JSON object, a broken Parquet file, or more than 2 GiB of Parquet.
        ConfigError: Parquet without the extra that reads it.
    """
    match table_suffix(path):
        case ".parquet":
            return load_parquet(path, columns)
        case ".csv" | ".tsv":
            return _text_columns(path, columns)
        case _:
            entries = [entry for _, entry in _entries(path)]
            if entries:
                check_columns(columns, {key for entry in entries for key in entry}, path)
            return {column: [entry.get(column) for entry in entries] for column in columns}


def first_rows(path: Path, count: int) -> list[Mapping[str, Any]]:
    """Returns the first rows with all their columns, without reading the rest where the format allows it.

    Raises:
        DataError: as `load_columns`.
        ConfigError: as `load_columns`.
    """
    match table_suffix(path):
        case ".parquet":
            return first_parquet_rows(path, count)
        case ".csv" | ".tsv":
            rows = _cell_rows(path)
            header = _header(rows, path)
            return [dict(zip(header, cells, strict=False)) for cells in itertools.islice(rows, count)]
        case _:
            return [entry for _, entry in itertools.islice(_entries(path), count)]


def as_number(cell: object) -> object:
    """Returns the number that a text cell contains; any other cell is returned unchanged.

    Examples:
        >>> as_number("2.50"), as_number("007"), as_number("two")
        (2.5, '007', 'two')
    """
    if not isinstance(cell, str) or len(cell) > _MAX_NUMBER or not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if set(cell) & set(".eE") else int(cell)


def _cell_rows(path: Path) -> Iterator[list[str]]:
    """Yields the rows of a CSV with quotes, or of a TSV without: there a quotation mark is an ordinary character."""
    if table_suffix(path) == ".csv":
        return read_csv(path)
    return (line.split("\t") for line in read_lines(path) if line)


def _header(rows: Iterator[list[str]], path: Path) -> tuple[str, ...]:
    header = tuple(next(rows, ()))
    if not header:
        raise DataError("header: got an empty file; want a line of column names", path=path)
    if len(set(header)) != len(header):
        twice = repeated(header)
        raise DataError(f"header: got {twice} more than once; want every column name once", path=path)
    return header


def _text_columns(path: Path, columns: Collection[str]) -> dict[str, list[Any]]:
    rows = _cell_rows(path)
    header = _header(rows, path)
    check_columns(columns, header, path)
    places = {column: header.index(column) for column in columns}
    found: dict[str, list[Any]] = {column: [] for column in places}
    for row, cells in enumerate(rows):
        if len(cells) != len(header):
            raise DataError(f"columns: got {len(cells)}; want {len(header)}, as in the header", path=path, row=row)
        for column, place in places.items():
            found[column].append(cells[place])
    return found


def _entries(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    values: Iterable[Any]
    if table_suffix(path) == ".json":
        values = check_type(load_json(path), list, "file", path=path)
    else:
        values = load_json_lines(path)
    for row, value in enumerate(values):
        yield row, check_type(value, dict, "row", path=path, row=row)
