"""Indexes the members of a plain tar and caches the index in a small file, for reading rows in any order."""

from __future__ import annotations

import contextlib
import tarfile
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np

from motet.core import DataError
from motet.core.whole_files import whole_file
from motet.data.formats.npz_file import load_own_npz
from motet.data.formats.packed_texts import PackedTexts
from motet.data.formats.size_limits import regular_size

# Per ending ("jpg", "json") the offset and the length of the member.
Members: TypeAlias = dict[str, tuple[int, int]]

_VERSION = 2
_FIXED_BYTES = 8192  # of an index without members
_ARRAYS = {
    **dict.fromkeys(("keys", "endings"), (np.dtype(np.uint8), 1)),
    **dict.fromkeys(("stamp", "ends", "ending_ends", "starts"), (np.dtype(np.int64), 1)),
    "members": (np.dtype(np.int64), 2),
}
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class TarRows(Sequence[tuple[str, Members]]):
    """The rows of a tar in order, each with its key and its members; in arrays, since a shard has many.

    Args:
        keys: per row.
        endings: the different endings.
        starts: (rows + 1,) the start of each row in the arrays of members, and the end of the last.
        members: (members, 3) int64, per member its ending (an index), offset and length.
    """

    def __init__(self, keys: PackedTexts, endings: tuple[str, ...], starts: np.ndarray, members: np.ndarray) -> None:
        self.keys, self.endings, self.starts, self.members = keys, endings, starts, members

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> tuple[str, Members]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[str, Members]]: ...
    def __getitem__(self, index: int | slice) -> tuple[str, Members] | list[tuple[str, Members]]:
        if isinstance(index, slice):
            return [self[row] for row in range(len(self))[index]]
        row = range(len(self))[index]
        found = self.members[self.starts[row] : self.starts[row + 1]].tolist()
        return self.keys[row], {self.endings[ending]: (offset, length) for ending, offset, length in found}

    def endings_of(self, row: int) -> list[str]:
        """Returns the endings of a row's members, without their places."""
        return [self.endings[ending] for ending in self.members[self.starts[row] : self.starts[row + 1], 0].tolist()]


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
    index = (path.parent if folder is None else folder) / f"{path.name}.index.npz"
    known = _read_index(index, stamp)
    if known is not None:
        return known
    rows = _scan(path, size)
    _write_index(index, stamp, rows)
    return rows


def _read_index(index: Path, stamp: list[int]) -> TarRows | None:
    """Returns the cached index; None if it is missing, broken, or of another version of the tar."""
    size = stamp[1]
    try:
        # A member takes 512 bytes of the tar and more, and fewer in its index.
        cached = load_own_npz(index, max_bytes=size + _FIXED_BYTES)
    except DataError:
        return None
    if not _is_as_written(cached, stamp):
        return None
    keys = PackedTexts(cached["keys"].tobytes(), cached["ends"])
    endings = tuple(PackedTexts(cached["endings"].tobytes(), cached["ending_ends"]))
    return TarRows(keys, endings, cached["starts"], cached["members"])


def _is_as_written(cached: Mapping[str, np.ndarray], stamp: list[int]) -> bool:
    """Returns whether every row of an index leads to a place in the tar of this stamp."""
    if {name: (array.dtype, array.ndim) for name, array in cached.items()} != _ARRAYS:
        return False
    starts, members, size = cached["starts"], cached["members"], stamp[1]
    return (
        cached["stamp"].tolist() == stamp
        and _is_ascending(cached["ends"], len(cached["keys"]))
        and _is_ascending(cached["ending_ends"], len(cached["endings"]))
        and _is_ascending(starts, len(members))
        and len(starts) == len(cached["ends"]) + 1
        and members.shape[1] == 3
        and bool((members >= 0).all())
        and bool((members[:, 0] < len(cached["ending_ends"])).all())
        and bool((members[:, 1] <= size).all())
        and bool((members[:, 2] <= size - members[:, 1]).all())
    )


def _is_ascending(values: np.ndarray, last: int) -> bool:
    """Returns whether values ascend from at least 0 to `last`; compared, since differences may overflow."""
    ascends = not len(values) or (values[0] >= 0 and bool((values[1:] >= values[:-1]).all()))
    return bool(ascends) and (values[-1] if len(values) else 0) == last


def _write_index(index: Path, stamp: list[int], rows: TarRows) -> None:
    """Writes the index as a whole, since loader processes may build the same index at once."""
    endings = PackedTexts.of(rows.endings)
    with contextlib.suppress(OSError), whole_file(index) as file:
        np.savez(
            file,
            stamp=np.array(stamp, dtype=np.int64),
            keys=np.frombuffer(rows.keys.data, dtype=np.uint8),
            ends=rows.keys.ends,
            endings=np.frombuffer(endings.data, dtype=np.uint8),
            ending_ends=endings.ends,
            starts=rows.starts,
            members=rows.members,
        )


def _scan(path: Path, size: int) -> TarRows:
    scan = _Scan()
    try:
        _refuse_compressed(path)
        with tarfile.open(path, mode="r:") as tar:
            while (member := tar.next()) is not None:
                # Else the module keeps a kilobyte per member until the end; its types leave the list out.
                tar.members.clear()  # type: ignore[attr-defined]
                if member.size < 0:  # the next member would lie before this one, without end
                    raise DataError(f"tar: got {member.size} bytes of {member.name!r}; want a whole tar", path=path)
                if not member.isreg() or member.issparse():
                    continue
                if member.offset_data + member.size > size:
                    raise DataError(f"tar: got an end within {member.name!r}; want a whole file", path=path)
                scan.add(member, path)
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        got = getattr(error, "strerror", None) or error
        raise DataError(f"tar: got {got}; want a whole plain tar", path=path) from error
    return scan.rows()


class _Scan:
    """The members found so far: one key per row, four numbers per member."""

    def __init__(self) -> None:
        self.row_of: dict[str, int] = {}
        self.ending_of: dict[str, int] = {}
        self.known: set[tuple[int, int]] = set()
        self.numbers = array("q")

    def add(self, member: tarfile.TarInfo, path: Path) -> None:
        folder, slash, name = member.name.rpartition("/")
        stem, dot, ending = name.partition(".")
        if not stem or not dot:
            return
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"tar: got the name {member.name!r}; want UTF-8", path=path) from error
        row = self.row_of.setdefault(f"{folder}{slash}{stem}", len(self.row_of))
        number = self.ending_of.setdefault(ending.lower(), len(self.ending_of))
        if (row, number) in self.known:
            raise DataError(f"tar: got {member.name!r} twice; want every member once", path=path)
        self.known.add((row, number))
        self.numbers.extend((row, number, member.offset_data, member.size))

    def rows(self) -> TarRows:
        numbers = np.frombuffer(self.numbers, dtype=np.int64).reshape(-1, 4)
        numbers = numbers[np.argsort(numbers[:, 0], kind="stable")]  # a row's members may be apart in the tar
        starts = np.zeros(len(self.row_of) + 1, dtype=np.int64)
        np.cumsum(np.bincount(numbers[:, 0], minlength=len(self.row_of)), out=starts[1:])
        return TarRows(PackedTexts.of(self.row_of), tuple(self.ending_of), starts, numbers[:, 1:].copy())


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
