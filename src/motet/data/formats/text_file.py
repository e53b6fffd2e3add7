"""Text files as data sets have them: UTF-8, plain or gzipped, lines that end in a line feed."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError

_GZIP = b"\x1f\x8b"


def read_bytes(path: Path) -> bytes:
    """The content of a file, unzipped where it is gzipped, whatever its name says.

    Raises:
        DataError: no such file, not readable, or a gzip stream that breaks off.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"file: got {error.strerror or error}; want a readable file", path=path) from error
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"gzip: got a broken stream ({error}); want a whole file", path=path) from error


def read_text(path: Path) -> str:
    """The content of a UTF-8 file (a byte-order mark is dropped).

    Raises:
        DataError: as `read_bytes`, or bytes that are no UTF-8, with the line they stand in.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        raise DataError(f"text: got the byte 0x{data[error.start]:02x}; want UTF-8", path=path, row=line) from error


def read_lines(path: Path) -> list[str]:
    """The lines without their ends; an empty last line does not count.

    Only line feeds end a line (with a carriage return before them or not): `str.splitlines` also cuts at form feeds and
    Unicode separators, which would shift files that are aligned line by line.
    """
    lines = read_text(path).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_csv(path: Path, *, delimiter: str = ",") -> Iterator[list[str]]:
    """The rows of a CSV file with the quotes of RFC 4180, empty lines left out.

    Raises:
        DataError: a quote that never closes, or a field longer than the csv module takes.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    row = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"CSV: got {error}; want rows as in RFC 4180", path=path, row=row) from error
        if cells:
            yield cells
            row += 1
