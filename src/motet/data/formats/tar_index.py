"""Indexes the members of a plain tar and caches the index in a small file, for reading rows in any order."""

from __future__ import annotations

import contextlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any, TypeAlias

from motet.core import DataError

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
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"tar: got {error.strerror or error}; want a readable file", path=path) from error
    stamp = [_VERSION, stat.st_size, stat.st_mtime_ns]
    index = (path.parent if folder is None else folder) / f"{path.name}.index.json"
    known = _read_index(index, stamp)
    if known is not None:
        return known
    rows = _scan(path, stat.st_size)
    _write_index(index, stamp, rows)
    return rows


def _read_index(index: Path, stamp: list[int]) -> TarRows | None:
    """Returns the cached index; None if it is missing, broken, or of another version of the tar."""
    try:
        cached: Any = json.loads(index.read_bytes())
        if cached["stamp"] != stamp:
            return None
        return [
            (str(key), {str(ending): (int(start), int(length)) for ending, (start, length) in members.items()})
            for key, members in cached["rows"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_index(index: Path, stamp: list[int], rows: TarRows) -> None:
    """Writes the index under a temporary name first, since loader processes may build the same index at once."""
    draft = index.with_name(f"{index.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps({"stamp": stamp, "rows": rows}))
        draft.replace(index)


def _scan(path: Path, size: int) -> TarRows:
    _refuse_compressed(path)
    rows: dict[str, Members] = {}
    try:
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                if not member.isreg() or member.issparse():
                    continue
                if member.offset_data + member.size > size:
                    raise DataError(f"tar: got an end within {member.name!r}; want a whole file", path=path)
                _add(rows, member, path)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"tar: got {error}; want a whole plain tar", path=path) from error
    return list(rows.items())


def _add(rows: dict[str, Members], member: tarfile.TarInfo, path: Path) -> None:
    folder, slash, name = member.name.rpartition("/")
    stem, dot, ending = name.partition(".")
    if not stem or not dot:
        return
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
