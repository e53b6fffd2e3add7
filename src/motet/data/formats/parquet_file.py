"""Reads columns of Parquet files, of which a few bytes may declare millions of values or gigabytes of text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError, nearest
from motet.data.formats.error_text import first_line
from motet.data.formats.paths import file_names
from motet.data.formats.size_limits import inflated_limit, regular_size

_MAX_BYTES = 2 * 1024**3
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
    files = [_ParquetTable(file) for file in parquet_files(path)]
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
    return _ParquetTable(parquet_files(path)[0]).first_rows(count)


class _ParquetTable:
    """One file, of which the texts are read as the different ones and their places."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise ConfigError(
                "Parquet: got no package pyarrow; want the extra motet[hf] (pip install 'motet[hf]')"
            ) from error
        self.path, self._size = path, regular_size(path)
        with self._errors():
            schema = parquet.read_schema(path)
            self.names: list[str] = list(schema.names)
            with parquet.ParquetFile(path) as file:
                leaves = [file.schema.column(index) for index in range(len(file.schema))]
            texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
            self._file: Any = parquet.ParquetFile(path, read_dictionary=texts)

    def uncompressed(self, columns: Collection[str]) -> int:
        """Returns the bytes of columns as the file declares them."""
        with self._errors():
            return sum(int(chunk.total_uncompressed_size) for chunk in self._chunks(columns))

    def read(self, columns: list[str]) -> dict[str, list[Any]]:
        """Returns columns in memory."""
        with self._errors(), self._file:
            self._check_cells(columns)
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
            self._check_cells(self.names)
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

    def _chunks(self, columns: Collection[str]) -> Iterator[Any]:
        metadata = self._file.metadata
        groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
        chunks = (group.column(index) for group in groups for index in range(group.num_columns))
        return (chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns)

    def _check_cells(self, columns: Collection[str]) -> None:
        """Counts the values, of which millions that are equal take a few bytes."""
        cells = sum(int(chunk.num_values) for chunk in self._chunks(columns))
        if cells > max(_MIN_CELLS, 100 * self._size):
            got = f"{cells:,} values in {self._size:,} bytes"
            raise DataError(f"Parquet: got {got}; want at most 100 for each byte", path=self.path)

    def _check_decoded(self, table: Any) -> None:
        size, limit = sum(map(_decoded_bytes, table.columns)), min(_MAX_BYTES, inflated_limit(self._size))
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
