"""The beginning of a file, however long it is."""

from __future__ import annotations

import itertools
import zlib
from pathlib import Path

_BYTES = 256 * 1024
_GZIP_WINDOW = 31


def first_lines(path: Path, count: int) -> list[str]:
    """The first lines with something in them, gzipped or not; none of a file that is no text or cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_BYTES)
        if data.startswith(b"\x1f\x8b"):
            data = zlib.decompressobj(_GZIP_WINDOW).decompress(data, _BYTES)
    except (OSError, zlib.error):
        return []
    if b"\0" in data:
        return []
    lines = data.decode("utf-8-sig", errors="replace").split("\n")
    whole = lines if len(data) < _BYTES or len(lines) == 1 else lines[:-1]
    return list(itertools.islice((line.removesuffix("\r") for line in whole if line.strip()), count))
