"""Reads columns of Parquet files, of which a few bytes may declare millions of values or gigabytes of text."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, nearest
from motet.data.formats import parquet_sizes
from motet.data.formats.error_text import first_line
from motet.data.formats.paths import file_names
from motet.data.formats.size_limits import INFLATED_RATIO, inflated_limit, regular_size

_MAX_BYTES = 2 * 1024**3
_SECONDS = 120
_BATCH_ROWS = 1000
_MIN_CELLS = 2_000_000  # always allowed, 100 per byte of the files beyond


def parquet_files(path: Path) -> list[Path]:
    """Returns the file, or the Parquet files of a folder in the order of their names.

    Raises:
        DataError: a folder without Parquet files.
    """
    if not path.is_dir():
        return [path]
    files = [path / name for name in file_names(path) if name.endswith(".parquet")]
    if not files:
        raise DataError("table: got a folder without .parquet files; want at least one", path=path)
    return files


def load_parquet(path: Path, columns: Collection[str]) -> dict[str, list[Any]]:
    """Returns columns of a Parquet file, or of all files of a folder.

    Raises:
        DataError: no such file, a missing column, a broken file, or one that becomes more than 2 GiB.
        ConfigError: the extra motet[hf] is not installed.
    """
    files = _tables(parquet_files(path))
    for column in columns:
        if column not in files[0].names:
            hint = nearest(column, files[0].names)
            raise DataError(f"column {column!r}: got a table without it; want it ({hint})", path=path)
    size = sum(file.uncompressed(columns) for file in files)
    if size > _MAX_BYTES:
        raise DataError(
            f"table: got {size / 1024**3:.1f} GiB in the columns {list(columns)}; want at most "
            f"{_MAX_BYTES / 1024**3:.0f}, since they are held in memory (HfDataset maps such a table from disk)",
            path=path,
        )
    found: dict[str, list[Any]] = {column: [] for column in columns}
    for file in files:
        for column, cells in file.read(list(columns)).items():
            found[column] += cells
    return found


def first_parquet_rows(path: Path, count: int) -> list[Mapping[str, Any]]:
    """Returns the first rows of a Parquet file, or of the first file of a folder.

    Raises:
        DataError: as `load_parquet`.
        ConfigError: as `load_parquet`.
    """
    return _tables(parquet_files(path)[:1])[0].first_rows(count)


def check_parquet(paths: Sequence[Path]) -> None:
    """Checks that files declare no more values than `load_parquet` takes, without reading any.

    Raises:
        DataError: as `load_parquet`.
        ConfigError: as `load_parquet`.
    """
    for table in _tables(paths):
        table.check_cells(table.names)


def check_decoded(path: Path) -> None:
    """Reads a file in batches and checks what its values become if each text is written where it is named.

    A page of a few kilobytes may hold one text of a megabyte and name it a hundred thousand times. The batches hold
    such a text once; whoever writes the rows elsewhere writes it every time.

    Raises:
        DataError: as `load_parquet`, or values that become more than 100 times the file, and more than 32 MiB.
        ConfigError: as `load_parquet`.
    """
    _tables([path])[0].check_decoded()


def _tables(paths: Sequence[Path]) -> list[_ParquetTable]:
    """Opens files after another process has told what they declare."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "Parquet: got no package pyarrow; want the extra motet[hf] (pip install 'motet[hf]')"
        ) from error
    stamps = tuple((regular_size(path), path.stat().st_mtime_ns) for path in paths)
    lines = _described(tuple(path.absolute() for path in paths), stamps)
    return [_ParquetTable(path, json.loads(line)) for path, line in zip(paths, lines, strict=True)]


@lru_cache(maxsize=64)  # a folder is looked at several times; an error is not kept
def _described(paths: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> list[str]:
    """Returns a line of JSON per file from another process. Raises DataError with the file that ends it."""
    del stamps  # part of the cache key: a changed file is described again
    command, asked = [sys.executable, parquet_sizes.__file__], json.dumps([str(path) for path in paths])
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=_SECONDS, check=False)
        lines, end = done.stdout.splitlines(), f"exit code {done.returncode}"
    except subprocess.TimeoutExpired as error:
        lines, end = (error.stdout or b"").decode().splitlines(), f"no end after {_SECONDS} seconds"
    if len(lines) < len(paths):
        got = f"a file on which pyarrow fails ({end})"
        raise DataError(f"Parquet: got {got}; want a whole Parquet file", path=paths[len(lines)])
    return lines


class _ParquetTable:
    """One file, of which the texts are read as the different ones and their places."""

    def __init__(self, path: Path, declared: Mapping[str, Any]) -> None:
        from pyarrow import parquet

        self.path, self._size, self._declared = path, regular_size(path), declared
        if "error" in declared:
            raise DataError(f"Parquet: got {declared['error']}; want a whole Parquet file", path=path)
        self.names: list[str] = declared["names"]
        with self._errors():
            self._file: Any = parquet.ParquetFile(path, read_dictionary=declared["texts"])

    def uncompressed(self, columns: Collection[str]) -> int:
        """Returns the bytes of columns as the file declares them."""
        return sum(int(self._declared["bytes"].get(column, 0)) for column in columns)

    def read(self, columns: list[str]) -> dict[str, list[Any]]:
        """Returns columns in memory."""
        with self._errors(), self._file:
            self.check_cells(columns)
            table = self._file.read(columns=columns)
            if missing := sorted(set(columns) - set(table.column_names)):
                got = f"none called {missing}"
                raise DataError(f"columns: got {got}; want the same columns in all files", path=self.path)
            self._check_decoded(table)
            found: dict[str, list[Any]] = table.to_pydict()
            return found

    def first_rows(self, count: int) -> list[Mapping[str, Any]]:
        """Returns the first rows."""
        with self._errors(), self._file:
            self.check_cells(self.names)
            for batch in self._file.iter_batches(batch_size=count):
                self._check_decoded(batch)
                found: list[Mapping[str, Any]] = batch.to_pylist()
                return found
            return []

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DataError:
            raise
        except (OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError, NotImplementedError) as error:
            raise DataError(f"Parquet: got {first_line(error)}; want a whole Parquet file", path=self.path) from error

    def check_cells(self, columns: Collection[str]) -> None:
        """Counts the values, of which millions that are equal take a few bytes."""
        cells = sum(int(self._declared["values"].get(column, 0)) for column in columns)
        if cells > max(_MIN_CELLS, 100 * self._size):
            got = f"{cells:,} values in {self._size:,} bytes"
            raise DataError(f"Parquet: got {got}; want at most 100 values per byte of the file", path=self.path)

    def check_decoded(self) -> None:
        """Checks the values of all rows, a batch of them in memory at a time; the file as a whole may be large."""
        size, limit = 0, max(inflated_limit(self._size), INFLATED_RATIO * self._size)
        with self._errors(), self._file:
            self.check_cells(self.names)
            for batch in self._file.iter_batches(batch_size=_BATCH_ROWS):
                size += sum(map(_decoded_bytes, batch.columns))
                self._check_size(size, limit)

    def _check_decoded(self, table: Any) -> None:
        self._check_size(sum(map(_decoded_bytes, table.columns)), min(_MAX_BYTES, inflated_limit(self._size)))

    def _check_size(self, size: int, limit: int) -> None:
        if size > limit:
            got = f"{self._size:,} bytes that become {size:,}"
            raise DataError(f"Parquet: got {got}; want at most {limit:,}", path=self.path)


def _decoded_bytes(array: Any) -> int:
    """Returns the bytes of an array if every text were stored where it is named."""
    import pyarrow
    from pyarrow import compute

    if isinstance(array, pyarrow.ChunkedArray):
        return sum(map(_decoded_bytes, array.chunks))
    if pyarrow.types.is_dictionary(array.type):
        lengths = compute.fill_null(compute.binary_length(array.dictionary), 0)
        return int(compute.sum(compute.cast(lengths.take(array.indices), "int64")).as_py() or 0)
    if pyarrow.types.is_struct(array.type):
        return sum(_decoded_bytes(array.field(index)) for index in range(array.type.num_fields))
    if pyarrow.types.is_list(array.type) or pyarrow.types.is_large_list(array.type):
        return _decoded_bytes(array.flatten())
    return int(array.nbytes)
