"""Indexes the members of a plain tar and caches the index in a small file, for reading rows in any order."""

from __future__ import annotations

import contextlib
import json
import tarfile
from pathlib import Path
from typing import Any, TypeAlias

from motet.core import DataError
from motet.core.plain_json import parse_json
from motet.core.whole_files import write_whole
from motet.data.formats.size_limits import regular_size
from motet.data.formats.text_file import read_bytes

# Rows of a shard in order: the key, and per ending ("jpg", "json") the offset and the length of the member.
Members: TypeAlias = dict[str, tuple[int, int]]
TarRows: TypeAlias = list[tuple[str, Members]]

_VERSION = 1
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def tar_rows(path: Path, folder: Path | None) -> TarRows:
    """Returns the rows of a tar: members whose names are equal up to the first dot of the file name.

    Nothing is extracted, so names that point elsewhere do no harm; links, folders and hidden files are skipped.

    Args:
        path: the tar.
        folder: the folder of the cached index; None for that of the tar. If it is not writable, the tar is scanned each
            time.

    Raises:
        DataError: no such file, a compressed, broken or truncated tar, or two members of one name.
    """
    size = regular_size(path)
    stamp = [_VERSION, size, path.stat().st_mtime_ns]
    index = (path.parent if folder is None else folder) / f"{path.name}.index.json"
    known = _read_index(index, stamp)
    if known is not None:
        return known
    rows = _scan(path, size)
    _write_index(index, stamp, rows)
    return rows


def _read_index(index: Path, stamp: list[int]) -> TarRows | None:
    """Returns the cached index; None if it is missing, broken, or of another version of the tar."""
    try:
        cached: Any = parse_json(read_bytes(index))
        if cached["stamp"] != stamp:
            return None
        rows = [
            (str(key), {str(ending): (int(start), int(length)) for ending, (start, length) in members.items()})
            for key, members in cached["rows"]
        ]
    except (DataError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    size = stamp[1]
    places = (place for _, members in rows for place in members.values())
    return rows if all(0 <= start <= start + length <= size for start, length in places) else None


def _write_index(index: Path, stamp: list[int], rows: TarRows) -> None:
    """Writes the index as a whole, since loader processes may build the same index at once."""
    with contextlib.suppress(OSError):
        write_whole(index, json.dumps({"stamp": stamp, "rows": rows}).encode())


def _scan(path: Path, size: int) -> TarRows:
    _refuse_compressed(path)
    rows: dict[str, Members] = {}
    try:
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                if member.size < 0:  # the next member would lie before this one, without end
                    raise DataError(f"tar: got {member.size} bytes of {member.name!r}; want a whole tar", path=path)
                if not member.isreg() or member.issparse():
                    continue
                if member.offset_data + member.size > size:
                    raise DataError(f"tar: got an end within {member.name!r}; want a whole file", path=path)
                _add(rows, member, path)
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"tar: got {error}; want a whole plain tar", path=path) from error
    return list(rows.items())


def _add(rows: dict[str, Members], member: tarfile.TarInfo, path: Path) -> None:
    folder, slash, name = member.name.rpartition("/")
    stem, dot, ending = name.partition(".")
    if not stem or not dot:
        return
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"tar: got the name {member.name!r}; want UTF-8", path=path) from error
    members = rows.setdefault(f"{folder}{slash}{stem}", {})
    if ending.lower() in members:
        raise DataError(f"tar: got {member.name!r} twice; want every member once", path=path)
    members[ending.lower()] = (member.offset_data, member.size)


def _refuse_compressed(path: Path) -> None:
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, kind in _COMPRESSED.items():
        if start.startswith(magic):
            raise DataError(
                f"tar: got a tar compressed with {kind}; want a plain one, since rows are read in any order "
                "and a compressed file can only be read from its start",
                path=path,
            )
