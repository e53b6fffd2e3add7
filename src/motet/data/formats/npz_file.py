"""Reads the arrays of an npz whose headers declare no more than it holds."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from motet.core import DataError
from motet.data.formats.size_limits import MAX_BYTES, inflated_limit
from motet.data.formats.text_file import read_bytes

_ENDING = ".npy"
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError, LookupError, TypeError, AttributeError,
    OverflowError, NotImplementedError, RuntimeError, SyntaxError, MemoryError, tokenize.TokenError,
)  # fmt: skip


def load_own_npz(path: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Returns the arrays of an npz that motet itself has written, in which nothing is compressed.

    Args:
        path: the file, which lies beside data and may come from whom they come from.
        max_bytes: a larger file is not read at all.

    Raises:
        DataError: no such file, a larger one, one with compressed arrays, or as `read_npz`.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    return read_npz(data, path=path, max_bytes=len(data))


def read_npz(
    data: bytes, *, path: Path | str, row: int | str | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, np.ndarray]:
    """Returns the arrays of numbers of an npz by name.

    An array is as large as the shape in its header says, and a zip as large as its entries say: both are compared with
    the bytes that are there before anything is allocated.

    Args:
        data: the bytes of the npz.
        path: its file, for errors.
        row: its place in the file, for errors.
        max_bytes: the most bytes of all arrays, where `inflated_limit` is more.

    Raises:
        DataError: not an npz, a broken one, one of objects, or one that would become too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(_ENDING)]
            size, limit = sum(entry.file_size for entry in entries), min(inflated_limit(len(data)), max_bytes)
            if size > limit:
                got = f"{len(data):,} bytes that become {size:,}"
                raise DataError(f"npz: got {got}; want at most {limit:,}", path=path, row=row)
            return {entry.filename.removesuffix(_ENDING): _array(archive, entry) for entry in entries}
    except DataError:
        raise
    except _BROKEN as error:
        got = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"npz: got a broken one ({got}); want a whole one of numbers", path=path, row=row) from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, kind = read(file)
        if kind.hasobject or kind.kind not in "biufUS":
            raise ValueError(f"an array of {kind}")
        values = file.read()
    if any(size < 0 for size in shape) or math.prod(shape) * kind.itemsize != len(values):
        raise ValueError(f"{len(values):,} bytes of the shape {shape} of {kind}")
    return np.array(np.frombuffer(values, dtype=kind).reshape(shape, order="F" if by_columns else "C"))
