"""A file of many predictions, JSONL, CSV or Parquet: written whole, and continued where an earlier process stopped."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from motet.core import ConfigError, DataError
from motet.core.plain_json import parse_json
from motet.core.printable import printable
from motet.core.regular_files import file_bytes
from motet.core.whole_files import whole_file
from motet.hub.prediction_record import table_row

SUFFIXES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True, kw_only=True)
class PredictionFile:
    """Records of predictions, collected line by line in a hidden file beside `path`, which is written at the end.

    Args:
        path: ends in .jsonl, .csv or .parquet.
        tasks: their names: the columns of a table.
        request: JSON values that determine the predictions: model, tasks, rows. Only lines of an equal request are
            continued.
        scored: whether records have scores.

    Raises:
        ConfigError: another ending, or Parquet without the package that writes it.
    """

    path: Path
    tasks: tuple[str, ...]
    request: Mapping[str, Any] = field(default_factory=dict)
    scored: bool = False

    def __post_init__(self) -> None:
        if self.path.suffix.lower() not in SUFFIXES:
            raise ConfigError(f"--out: got {str(self.path)!r}; want a file that ends in {', '.join(SUFFIXES)}")
        if self.path.suffix.lower() == ".parquet":
            _pyarrow()

    @property
    def part(self) -> Path:
        """The file that collects the lines until all are there."""
        return self.path.with_name(f".{self.path.name}.unfinished")

    def collected(self) -> int:
        """Returns the number of rows that an earlier process has left; 0 if it left none.

        Raises:
            ConfigError: what is left is of another request.
        """
        if not self.part.exists():
            return 0
        lines = self._whole_lines()
        try:
            head = parse_json(lines[0]) if lines else None
        except ValueError:
            head = None
        if head != json.loads(json.dumps(self.request)):
            raise ConfigError(
                f"--out: got unfinished predictions of another request ({self.part}); want the same model, tasks and "
                "rows, which continues them, or --force, which begins anew"
            )
        return len(lines) - 1

    @contextmanager
    def collecting(self) -> Iterator[RecordWriter]:
        """Opens the file of lines behind those that an earlier process has left.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            head = [json.dumps(self.request).encode()] if not self.part.exists() else self._whole_lines()
            # A line that a kill has cut is written anew.
            with open(self.part, "wb") as file:
                file.writelines(line + b"\n" for line in head)
            with open(self.part, "ab") as file:
                yield RecordWriter(file)
        except OSError as error:
            raise ConfigError(f"--out: got {error.strerror or error}; want a writable path ({self.part})") from error

    def complete(self) -> Path:
        """Writes the file from all lines, and removes these.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            with whole_file(self.path) as file:
                match self.path.suffix.lower():
                    case ".csv":
                        self._write_csv(file)
                    case ".parquet":
                        self._write_parquet(file)
                    case _:
                        file.writelines(line + b"\n" for line in self._whole_lines()[1:])
            self.part.unlink()
        except OSError as error:
            raise ConfigError(f"--out: got {error.strerror or error}; want a writable path ({self.path})") from error
        return self.path

    def records(self) -> Iterator[dict[str, Any]]:
        """Yields the records that were collected.

        Raises:
            DataError: a line that is no record.
        """
        for number, line in enumerate(self._whole_lines()[1:]):
            try:
                record = parse_json(line, halves=True)
            except ValueError as error:
                raise DataError(f"predictions: got {error}; want a record", path=self.part, row=number) from error
            yield record

    def _whole_lines(self) -> list[bytes]:
        data = file_bytes(self.part)
        return data[: data.rfind(b"\n") + 1].splitlines()

    def _rows(self) -> Iterator[dict[str, str | None]]:
        return (table_row(record, self.tasks, scored=self.scored) for record in self.records())

    @property
    def _columns(self) -> list[str]:
        empty = {"row": 0, "id": "", "images": []}
        return list(table_row(empty, self.tasks, scored=self.scored))

    def _write_csv(self, file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, self._columns)
        writer.writeheader()
        writer.writerows(self._rows())
        text.detach()

    def _write_parquet(self, file: BinaryIO) -> None:
        arrow, parquet = _pyarrow()
        schema = arrow.schema([(name, arrow.string()) for name in self._columns])
        with parquet.ParquetWriter(file, schema) as writer:
            for rows in _chunks(self._rows(), 4096):
                writer.write_table(arrow.Table.from_pylist(rows, schema=schema))


@dataclass(frozen=True)
class RecordWriter:
    """Appends records to a file, one per line.

    Args:
        file: opened for appending.
    """

    file: BinaryIO

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Appends records; they are in the file when this returns."""
        for record in records:
            line = printable(json.dumps(record, ensure_ascii=False)).encode()  # ids hold names of files
            self.file.write(line + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def _chunks(rows: Iterable[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigError(
            "--out: got a .parquet file without the package pyarrow; want it: pip install 'motet[hf]'"
        ) from error
    return pyarrow, parquet
