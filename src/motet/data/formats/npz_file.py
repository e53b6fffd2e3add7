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
from motet.data.formats.size_limits import inflated_limit

_ENDING = ".npy"
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError, LookupError, TypeError, AttributeError,
    OverflowError, NotImplementedError, RuntimeError, SyntaxError, MemoryError, tokenize.TokenError,
)  # fmt: skip


def read_npz(data: bytes, *, path: Path | str, row: int | str | None = None) -> dict[str, np.ndarray]:
    """Returns the arrays of numbers of an npz by name.

    An array is as large as the shape in its header says, and a zip as large as its entries say: both are compared with
    the bytes that are there before anything is allocated.

    Args:
        data: the bytes of the npz.
        path: its file, for errors.
        row: its place in the file, for errors.

    Raises:
        DataError: not an npz, a broken one, one of objects, or one that would become too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.endswith(_ENDING)]
            size, limit = sum(entry.file_size for entry in entries), inflated_limit(len(data))
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
