"""The lines of a text file by their places in it: a million lines take 16 MB, whatever they hold."""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import DataError
from motet.data.formats.size_limits import regular_size
from motet.data.formats.text_file import read_bytes, read_text

_BLOCK = 16 * 2**20
_GZIP, _BOM = b"\x1f\x8b", codecs.BOM_UTF8


class FileLines:
    """The lines of a UTF-8 file, each read when it is asked for; as `read_lines` gives them.

    The file is mapped into memory, so that its pages are shared by loader workers and belong to no process. A gzipped
    file cannot be read from its middle: its content is kept as bytes.

    Args:
        path: the file.

    Raises:
        DataError: no such file, a broken gzip stream, or bytes that are not UTF-8, with their line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mapped: bytes | mmap.mmap | None = None
        self._spans = _line_spans(self._data())
        if not _is_utf8(self._data()):
            read_text(path)  # raises the error with its line

    def __getstate__(self) -> dict[str, Any]:
        # A map does not survive pickling: each process maps the file itself.
        return self.__dict__ | {"_mapped": None}

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: int) -> str:
        start, end = self._spans[index].tolist()
        return self._data()[start:end].decode("utf-8").removesuffix("\r")

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def _data(self) -> bytes | mmap.mmap:
        if self._mapped is None:
            self._mapped = _mapped(self.path)
        return self._mapped


def _mapped(path: Path) -> bytes | mmap.mmap:
    size = regular_size(path)
    try:
        with path.open("rb") as file:
            if file.read(2) == _GZIP or not size:
                return read_bytes(path)
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or error
        raise DataError(f"file: got {reason}; want a readable file", path=path) from error


def _line_spans(data: bytes | mmap.mmap) -> np.ndarray:
    """Returns (lines, 2) int64, the start and the end of each line without its line feed."""
    feeds = [
        np.flatnonzero(np.frombuffer(data[start : start + _BLOCK], dtype=np.uint8) == ord("\n")) + start
        for start in range(0, len(data), _BLOCK)
    ]
    ends = np.concatenate([*feeds, [len(data)]]).astype(np.int64)
    starts = np.concatenate([[len(_BOM) if data[: len(_BOM)] == _BOM else 0], ends[:-1] + 1]).astype(np.int64)
    spans = np.stack([starts, ends], axis=1)
    return spans[:-1] if spans[-1, 0] >= spans[-1, 1] else spans  # an empty last line does not count


def _is_utf8(data: bytes | mmap.mmap) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _BLOCK):
            decoder.decode(data[start : start + _BLOCK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
