"""Limits on what a file may become in memory: compressed data, and sizes that a header declares."""

from __future__ import annotations

from pathlib import Path

from motet.core import DataError
from motet.core.regular_files import file_size

INFLATED_RATIO = 100
"""Bytes that a byte on disk may become, beyond 32 MiB."""
_ALWAYS_BYTES = 32 * 1024**2
MAX_BYTES = 4 * 1024**3
"""Bytes of one decompressed file, however large it is on disk."""


def inflated_limit(stored_bytes: int) -> int:
    """Returns the most bytes that compressed or declared data of a file may become.

    Text compresses to a tenth and images hardly at all; zeros compress to a thousandth. 32 MiB are always allowed,
    100 times the bytes on disk beyond that, and never more than `MAX_BYTES`.

    Examples:
        >>> inflated_limit(1_000), inflated_limit(10**6), inflated_limit(10**12)
        (33554432, 100000000, 4294967296)
    """
    return min(max(_ALWAYS_BYTES, INFLATED_RATIO * stored_bytes), MAX_BYTES)


def regular_size(path: Path) -> int:
    """Returns the bytes of a file on disk.

    Raises:
        DataError: no such file, or a folder, pipe or device: reading one of these may never end.
    """
    try:
        return file_size(path)
    except OSError as error:
        raise DataError(f"file: got {error.strerror or error}; want a readable file", path=path) from error
