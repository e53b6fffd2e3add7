"""The first lines of a file of any length."""

from __future__ import annotations

import itertools
import zlib
from pathlib import Path

from motet.core.regular_files import file_size
from motet.data.formats.text_file import encoding_of

_BYTES = 256 * 1024
_GZIP_WINDOW = 31


def first_lines(path: Path, count: int) -> list[str]:
    """Returns the first lines that are not blank, of a plain or gzipped file; none of one that is no readable text."""
    try:
        file_size(path)
        with open(path, "rb") as file:
            data = file.read(_BYTES)
        if data.startswith(b"\x1f\x8b"):
            data = zlib.decompressobj(_GZIP_WINDOW).decompress(data, _BYTES)
    except (OSError, zlib.error):
        return []
    encoding = encoding_of(data)
    if b"\0" in data and encoding != "utf-16":
        return []
    lines = data.decode(encoding, errors="replace").split("\n")
    complete = lines if len(data) < _BYTES or len(lines) == 1 else lines[:-1]  # the last may be cut
    return list(itertools.islice((line.removesuffix("\r") for line in complete if line.strip()), count))
