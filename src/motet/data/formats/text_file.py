"""Reads text files of data sets: UTF-8 or UTF-16, plain or gzipped, with lines that end in a line feed."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from motet.core import ConfigError, DataError
from motet.data.formats.size_limits import inflated_limit, regular_size

_GZIP = b"\x1f\x8b"


def read_bytes(path: Path, *, max_bytes: int = sys.maxsize - 1) -> bytes:
    """Returns the content of a file; gzip is recognised by content, not by name, and decompressed.

    Args:
        path: the file.
        max_bytes: the most bytes of the content.

    Raises:
        DataError: no such file, not readable, a truncated gzip stream, or one of more bytes than `inflated_limit`.
    """
    size = regular_size(path)
    try:
        with open(path, "rb") as file:
            if file.read(len(_GZIP)) != _GZIP:
                if size > max_bytes:
                    raise DataError(f"file: got {size:,} bytes; want at most {max_bytes:,}", path=path)
                file.seek(0)
                return file.read()
            file.seek(0)
            limit = min(inflated_limit(size), max_bytes)
            with gzip.GzipFile(fileobj=file) as inflated:
                data = inflated.read(limit + 1)
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"gzip: got a broken stream ({error}); want a whole file", path=path) from error
    except OSError as error:
        raise DataError(f"file: got {error.strerror or error}; want a readable file", path=path) from error
    except MemoryError as error:
        raise DataError(f"file: got {size:,} bytes; want as many as this machine can hold", path=path) from error
    if len(data) > limit:
        got = f"{size:,} bytes that become more than {limit:,}"
        raise DataError(f"gzip: got {got}; want at most that (decompress it yourself if you trust it)", path=path)
    return data


def read_text(path: Path, *, encoding: str = "") -> str:
    """Returns the content of a text file without a byte-order mark.

    Args:
        path: the file.
        encoding: of the file; by default UTF-8, or UTF-16 where it begins with a byte-order mark of it.

    Raises:
        DataError: as `read_bytes`, or bytes that are not of the encoding, with their line.
        ConfigError: an encoding that Python does not know.
    """
    data = read_bytes(path)
    try:
        return data.decode(encoding or encoding_of(data)).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        want = encoding or "UTF-8"
        raise DataError(f"text: got the byte 0x{data[error.start]:02x}; want {want}", path=path, row=line) from error
    except LookupError as error:
        raise ConfigError(f"encoding: got {encoding!r}; want one that Python knows, such as 'cp1252'") from error


def encoding_of(data: bytes) -> str:
    """Returns the encoding that the first bytes of a file show by a byte-order mark; UTF-8 without one."""
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def read_lines(path: Path) -> list[str]:
    """Returns the lines without their line ends; an empty last line does not count.

    Only a line feed ends a line (with or without a carriage return before it): `str.splitlines` also splits at form
    feeds and Unicode separators, which would shift files that are aligned line by line.
    """
    lines = read_text(path).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_csv(path: Path, *, delimiter: str = ",") -> Iterator[list[str]]:
    """Yields the rows of a CSV file with quotes as in RFC 4180; empty lines are skipped.

    Raises:
        DataError: a quote that never closes, or a field longer than the csv module allows.
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
