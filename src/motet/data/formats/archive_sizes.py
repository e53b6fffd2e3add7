"""Measures the archives of a folder that a library is going to unpack, which sets no limit itself."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from motet.core import DataError
from motet.data.formats.error_text import first_line
from motet.data.formats.linked_folders import walk_folder
from motet.data.formats.size_limits import inflated_limit, regular_size

_PIECE = 1024**2
_OPENERS: dict[bytes, type[gzip.GzipFile] | type[bz2.BZ2File] | type[lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_UNMEASURED = {b"Rar!": "rar", b"7z\xbc\xaf\x27\x1c": "7z", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError,
    NotImplementedError, LookupError,
)  # fmt: skip


def check_archives(folder: Path) -> None:
    """Checks that every archive below a folder becomes no more than `inflated_limit` allows, whatever it is called.

    Raises:
        DataError: an archive that becomes more, a broken one, or one of a kind that is not measured.
    """
    for above, names in walk_folder(folder):
        for name in names:
            path = above / name
            if path.exists():
                _check(path)


def _check(path: Path) -> None:
    stored = regular_size(path)
    try:
        with open(path, "rb") as file:
            start = file.read(_TAR_MARK_AT + len(_TAR_MARK))
        for mark, kind in _UNMEASURED.items():
            if start.startswith(mark):
                raise DataError(f"archive: got {kind}; want it unpacked, or a zip or tar", path=path)
        limit = inflated_limit(stored)
        for size in _sizes(path, start):
            if size > limit:
                got = f"{stored:,} bytes that become more than {limit:,}"
                raise DataError(
                    f"archive: got {got}; want at most that (unpack it yourself if you trust it)", path=path
                )
    except _BROKEN as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"archive: got a broken one ({first_line(error)}); want a whole one", path=path) from error


def _sizes(path: Path, start: bytes) -> Iterator[int]:
    """Yields the bytes that a file becomes, as far as they are counted; nothing for a file that is no archive."""
    if start.startswith(_ZIPS):
        with zipfile.ZipFile(path) as archive:  # an entry is never unpacked further than the size it declares
            yield sum(entry.file_size for entry in archive.infolist())
    elif opener := next((opener for mark, opener in _OPENERS.items() if start.startswith(mark)), None):
        yield from _counted(opener(path))
        with opener(path) as inside:
            if inside.read(_TAR_MARK_AT + len(_TAR_MARK))[_TAR_MARK_AT:] == _TAR_MARK:
                yield from _tar_sizes(path)
    elif start[_TAR_MARK_AT:] == _TAR_MARK:
        yield from _tar_sizes(path)


def _counted(stream: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) -> Iterator[int]:
    size = 0
    with stream:
        while piece := stream.read(_PIECE):
            size += len(piece)
            yield size


def _tar_sizes(path: Path) -> Iterator[int]:
    """Yields the sizes of a tar's members, of which a sparse one may be larger than the tar."""
    size = 0
    with tarfile.open(path) as archive:
        for member in archive:
            size += max(member.size, 0)
            yield size
