"""Reads one variable of a MATLAB file of version 5 to 7.2, of which the parts may be compressed."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import DataError
from motet.data.formats.error_text import first_line
from motet.data.formats.size_limits import inflated_limit
from motet.data.formats.text_file import read_bytes

_HEADER, _TAG = 128, struct.Struct("<II")
_COMPRESSED = 15
# Whatever scipy finds in a broken file comes as one of these.
_BROKEN = (
    OSError, ValueError, TypeError, LookupError, EOFError, AttributeError, OverflowError, MemoryError, RecursionError,
    RuntimeError, AssertionError, zlib.error,
)  # fmt: skip


def read_mat(path: Path, name: str) -> np.ndarray:
    """Returns a variable as scipy reads it: numbers, or cells and structs as arrays of objects.

    Raises:
        DataError: no such file, none of MATLAB, one that would become too large, or one without the variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    data = read_bytes(path)
    try:
        _check_size(data)
        content: dict[str, Any] = loadmat(io.BytesIO(data), variable_names=[name], mat_dtype=False)
        return np.asarray(content[name])
    except (*_BROKEN, MatReadError) as error:
        raise DataError(f"{name}: got {first_line(error)}; want a .mat that has it", path=path) from error


def _check_size(data: bytes) -> None:
    """Decompresses all parts without keeping them, and counts their bytes."""
    limit = inflated_limit(len(data))
    at, total = _HEADER, 0
    while at + _TAG.size <= len(data):
        kind, length = _TAG.unpack_from(data, at)
        if kind == _COMPRESSED:
            part = zlib.decompressobj()
            rest = data[at + _TAG.size : at + _TAG.size + length]
            while rest and not part.eof:
                total += len(part.decompress(rest, 2**20))
                rest = part.unconsumed_tail
                if total > limit:
                    raise ValueError(f"{len(data):,} bytes that become more than {limit:,}")
        at += _TAG.size + length
