"""Stored features on disk: parts that are complete or absent, each with the checksums of its blocks.

    <store>/store.json         the encoder and the view that made the features
    <store>/<name>.npy         (rows, n, d) float16
    <store>/<name>.json        per row [content of the image, view], and a checksum per block of rows
    <store>/stamps.json        stamps (path, size, time) of files with their content, so that files are read once

A part without its `.json` was being written when its process was killed, and is ignored.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import tokenize
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import DataError
from motet.core.folder_lock import FolderLock
from motet.core.regular_files import file_size, read_json
from motet.core.whole_files import write_whole

log = logging.getLogger("motet.data")

STORE, STAMPS = "store.json", "stamps.json"
_BLOCK_BYTES = 4 * 2**20


@dataclass(frozen=True)
class StorePart:
    """One part of a store.

    Args:
        path: its `.npy`.
        rows: per row the content of the image (a digest) and the number of the view.
        shape: of one row, (n, d).
        block: rows per block.
        checksums: CRC-32 of each block.
    """

    path: Path
    rows: tuple[tuple[str, int], ...]
    shape: tuple[int, int]
    block: int
    checksums: tuple[int, ...]

    def array(self) -> np.ndarray:
        """Returns the features, (rows, n, d) float16, mapped into memory.

        Raises:
            DataError: the file is missing, is none of numpy, or declares more than it holds.
        """
        try:
            file_size(self.path)
            with np.errstate(over="ignore"), open(self.path, "rb") as file:  # of sizes beyond 64 bits
                version = np.lib.format.read_magic(file)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = read(file)
                if shape != (len(self.rows), *self.shape) or kind != np.float16:
                    raise ValueError(f"{shape} of {kind}")
            array: np.ndarray = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, OverflowError, SyntaxError, tokenize.TokenError) as error:
            got = getattr(error, "strerror", None) or " ".join(str(error).split())
            raise DataError(f"stored features: got {got}; want the file as motet wrote it", path=self.path) from error
        return array

    def is_intact(self) -> bool:
        """Reads the whole part and compares it with its checksums."""
        try:
            array = self.array()
        except DataError:
            return False
        return tuple(_checksums(array, self.block)) == self.checksums

    def remove(self) -> None:
        """Deletes the files; a process that has mapped them can still read."""
        _remove(self.path.with_suffix(".json"), self.path)


def _remove(*paths: Path) -> None:
    """Deletes files. Raises DataError for a folder in the place of one, and for one that may not be deleted."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            got = error.strerror or error
            raise DataError(f"stored features: got {got}; want a file that can be deleted", path=path) from error


def parts_in(store: Path) -> list[StorePart]:
    """Returns the finished parts of a store in the order of their names; removes one whose index is damaged."""
    parts = []
    for index in sorted(store.glob("part-*.json")):
        try:
            data = read_json(index)
            rows = tuple((str(content), int(view)) for content, view in data["rows"])
            height, width = data["shape"]
            part = StorePart(index.with_suffix(".npy"), rows, (height, width), data["block"], tuple(data["checksums"]))
        except (OSError, ValueError, KeyError, TypeError):
            _remove(index, index.with_suffix(".npy"))
            continue
        parts.append(part)
    return parts


def write_part(
    store: Path, rows: Sequence[tuple[str, int]], shape: tuple[int, int], batches: Iterable[np.ndarray]
) -> Iterator[int]:
    """Writes a part as its features come, under a temporary name until all of it is on the disk.

    Args:
        store: the folder.
        rows: content and view per row, in the order of the batches.
        shape: of one row, (n, d).
        batches: (b, n, d) float16, one after the other.

    Yields:
        The number of rows written so far, after each batch.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    # The name starts with the time so that parts sort in the order in which they were written.
    path = store / f"part-{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.npy"
    unfinished = path.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as file:
            header = {"descr": "<f2", "fortran_order": False, "shape": (len(rows), *shape)}
            np.lib.format.write_array_header_1_0(file, header)
            done = 0
            for batch in batches:
                file.write(np.ascontiguousarray(batch, dtype="<f2").tobytes())
                done += len(batch)
                yield done
            _sync(file)
        block = max(1, _BLOCK_BYTES // (2 * shape[0] * shape[1]))
        unfinished.rename(path)
        checksums = _checksums(np.load(path, mmap_mode="r", allow_pickle=False), block)
        data = {"rows": list(rows), "shape": shape, "block": block, "checksums": list(checksums)}
        write_json(path.with_suffix(".json"), data)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if not path.with_suffix(".json").exists():
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DataError(
                f"stored features: got {error.strerror or error}; want a folder with write permission and free space",
                path=store,
            ) from error
        raise


def write_json(path: Path, data: Any) -> None:
    """Writes a JSON file whole or not at all."""
    write_whole(path, json.dumps(data))


def read_stamps(store: Path) -> dict[str, str]:
    """Returns the content of each file by its stamp; nothing where the table is missing or damaged."""
    try:
        data = read_json(store / STAMPS)
        return {str(stamp): str(content) for stamp, content in data.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def clear_unfinished(store: Path) -> None:
    """Removes the files that killed processes left. Call it only while holding the lock."""
    _remove(*store.glob("*.unfinished"), *store.glob(".*.part"))
    _remove(*(path for path in store.glob("part-*.npy") if not path.with_suffix(".json").exists()))


@contextlib.contextmanager
def locked(store: Path) -> Iterator[Iterator[None]]:
    """Locks a store so that one process at a time fills it.

    Yields:
        An iterator that ends when the lock is acquired; each of its steps is a short wait for the present holder.
    """
    lock = FolderLock(store)
    try:
        yield _wait_for(lock)
    finally:
        lock.release()


def _wait_for(lock: FolderLock) -> Iterator[None]:
    if lock.acquire():
        return
    log.warning("stored features in %s: waits for %s, which fills the same store", lock.folder, lock.holder())
    while not lock.acquire():
        yield
        time.sleep(0.2)


def _checksums(array: np.ndarray, block: int) -> Iterator[int]:
    for start in range(0, len(array), block):
        yield zlib.crc32(np.ascontiguousarray(array[start : start + block]).data)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
