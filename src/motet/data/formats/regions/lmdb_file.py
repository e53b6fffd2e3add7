"""Reads LMDB files of other people page by page; every place in them is checked before it is read.

The library maps the file into memory and follows its offsets unchecked: a truncated or changed file ends the process
(SIGBUS, SIGSEGV). A read of a page from the file can only fail. Files are still written with the library.

Source: LMDB 0.9, `mdb.c`: MDB_page, MDB_meta, MDB_node, mdb_page_search_root; format version 1, 64 bits, little-endian.
"""

from __future__ import annotations

import os
import struct
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from motet.core import DataError
from motet.data.formats.size_limits import MAX_BYTES, regular_size

_DATA = "data.mdb"
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = struct.Struct("<QHHHH")  # page number, padding, flags, end of the places, start of the nodes
_META = struct.Struct("<IIQQ 48x IHHQQQQQ QQ")  # magic, version, address, size, free pages, main tree, last, change
_FREE_PAD = 16 + 24  # where the tree of free pages has the size of a page
_NODE = struct.Struct("<HHHH")  # size or page number (low, high, and flags), length of the key
_BRANCH, _LEAF, _OVERFLOW = 0x01, 0x02, 0x04
_BIG, _PLAIN = 0x01, 0x00
_MAX_DEPTH = 32
_NO_PAGE = 2**64 - 1


@dataclass(frozen=True)
class _Tree:
    page_bytes: int
    root: int
    pages: int
    change: int


class LmdbFile:
    """An LMDB of one tree of texts, open for reading; forked processes may share it.

    Args:
        path: the file, or the folder with `data.mdb`.

    Raises:
        DataError: no such file, or no LMDB.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = path / _DATA if path.is_dir() else path
        if not file.exists():
            raise DataError("regions: got no such file or folder; want an LMDB", path=path)
        regular_size(file)
        try:
            self._file = os.open(file, os.O_RDONLY)
        except OSError as error:
            raise DataError(f"regions: got {error.strerror or error}; want an LMDB", path=path) from error
        weakref.finalize(self, os.close, self._file)
        self._tree()

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key; None where there is none.

        Raises:
            DataError: a broken page on the way to it.
        """
        tree = self._tree()
        number = tree.root
        for _ in range(_MAX_DEPTH):
            if number == _NO_PAGE:
                return None
            page = self._page(tree, number)
            keys = [self._key(page, place) for place in page.places]
            if page.is_leaf:
                return self._value(tree, page, page.places[keys.index(key)]) if key in keys else None
            # The first key of a branch is empty: everything below the second is under it.
            below = sum(1 for one in keys[1:] if one <= key)
            number = self._child(page, page.places[below])
        return self._refuse(f"more than {_MAX_DEPTH} levels")

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields keys and values in the order of the keys.

        Raises:
            DataError: a broken page.
        """
        tree = self._tree()
        left, seen = [tree.root] if tree.root != _NO_PAGE else [], 0
        while left:
            seen += 1
            if seen > tree.pages:
                self._refuse("pages that lead back to each other")
            page = self._page(tree, left.pop())
            if page.is_leaf:
                for place in page.places:
                    yield self._key(page, place), self._value(tree, page, place)
            else:
                left += [self._child(page, place) for place in reversed(page.places)]

    def _refuse(self, got: str) -> NoReturn:
        raise DataError(f"regions: got a broken LMDB ({got}); want a whole one", path=self.path)

    def _read(self, count: int, offset: int) -> bytes:
        if not 0 <= offset <= offset + count <= min(os.fstat(self._file).st_size, 2**62):
            self._refuse(f"{count:,} bytes at {offset:,} beyond its end")
        try:
            found = os.pread(self._file, count, offset)
        except OSError as error:
            raise DataError(f"regions: got {error.strerror or error}; want an LMDB", path=self.path) from error
        if len(found) < count:
            self._refuse("an end within a page")
        return found

    def _tree(self) -> _Tree:
        """Returns the newest of the two states that the file keeps; a writer changes them in turn."""
        (page_bytes,) = struct.unpack("<I", self._read(4, _FREE_PAD))
        if page_bytes not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
            self._refuse("no LMDB at all" if self._magic() != _MAGIC else f"pages of {page_bytes} bytes")
        found = [tree for place in range(2) if (tree := self._state(page_bytes, place * page_bytes)) is not None]
        if not found:
            self._refuse(f"no LMDB of version {_VERSION}")
        return max(found, key=lambda tree: tree.change)

    def _magic(self) -> int:
        return int.from_bytes(self._read(4, _HEADER.size), "little")

    def _state(self, page_bytes: int, offset: int) -> _Tree | None:
        meta = _META.unpack(self._read(_META.size, offset + _HEADER.size))
        magic, version, _, _, _, flags, _, _, _, _, _, root, last, change = meta
        if magic != _MAGIC or version != _VERSION:
            return None
        if flags & 0x7FFF:
            self._refuse(f"a tree with the flags 0x{flags:x}")
        # Pages that were freed before they were written may lie beyond the end of a whole file.
        return _Tree(page_bytes, root, min(last + 1, os.fstat(self._file).st_size // page_bytes), change)

    def _page(self, tree: _Tree, number: int) -> _Page:
        if not 2 <= number < tree.pages:
            self._refuse(f"page {number} of {tree.pages}")
        data = self._read(tree.page_bytes, number * tree.page_bytes)
        own, _, flags, lower, upper = _HEADER.unpack_from(data)
        if own != number or flags & 0xFF & ~0x10 not in (_BRANCH, _LEAF):
            self._refuse(f"page {number} that is none of a tree")
        if not _HEADER.size <= lower <= upper <= tree.page_bytes or lower % 2:
            self._refuse(f"page {number} with its parts in a wrong order")
        places = struct.unpack_from(f"<{(lower - _HEADER.size) // 2}H", data, _HEADER.size)
        if not places or not all(upper <= place <= tree.page_bytes - _NODE.size for place in places):
            self._refuse(f"page {number} with an entry outside it")
        return _Page(data, places, bool(flags & _LEAF))

    def _key(self, page: _Page, place: int) -> bytes:
        length = _NODE.unpack_from(page.data, place)[3]
        start = place + _NODE.size
        if start + length > len(page.data):
            self._refuse("a key beyond its page")
        return page.data[start : start + length]

    def _child(self, page: _Page, place: int) -> int:
        low, high, flags, _ = _NODE.unpack_from(page.data, place)
        return int(low | high << 16 | flags << 32)

    def _value(self, tree: _Tree, page: _Page, place: int) -> bytes:
        low, high, flags, length = _NODE.unpack_from(page.data, place)
        size, start = low | high << 16, place + _NODE.size + length
        if flags == _PLAIN:
            if start + size > len(page.data):
                self._refuse("a value beyond its page")
            return page.data[start : start + size]
        if flags != _BIG or start + 8 > len(page.data) or size > MAX_BYTES:
            self._refuse(f"a value with the flags 0x{flags:x}")
        number = int.from_bytes(page.data[start : start + 8], "little")
        if not 2 <= number < tree.pages:
            self._refuse(f"page {number} of {tree.pages}")
        offset = number * tree.page_bytes
        own, _, kind, _, _ = _HEADER.unpack(self._read(_HEADER.size, offset))
        if own != number or not kind & _OVERFLOW:
            self._refuse(f"page {number} that is none of a long value")
        return self._read(size, offset + _HEADER.size)


@dataclass(frozen=True)
class _Page:
    data: bytes
    places: tuple[int, ...]
    is_leaf: bool
