"""A lock that lets one process at a time write into a folder."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from motet.core.errors import CheckpointError
from motet.core.regular_files import file_size, read_json

LOCK, HOLDER = ".lock", ".lock.json"
_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


class FolderLock:
    """The lock of one folder. The operating system frees it when its process ends, however that happens.

    It also holds between machines where the file system passes locks on (NFS does). On a file system without locks
    every process gets it.

    Args:
        folder: gets the files ``.lock``, which stays, and ``.lock.json``, which names the holder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / LOCK, timeout=0)
        self._held = False

    def acquire(self) -> bool:
        """Takes the lock if it is free; returns whether this process has it.

        Raises:
            OSError: a read-only folder, or a lock that is no file.
        """
        if (self.folder / LOCK).exists():
            file_size(self.folder / LOCK)  # a lock on a pipe would be waited for without end
        try:
            self._lock.acquire()
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
        self._held = True
        holder = {"pid": os.getpid(), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # a full disk: the lock holds without a name
            (self.folder / HOLDER).unlink(missing_ok=True)  # it may be a pipe, or a link to another file
            (self.folder / HOLDER).write_text(json.dumps(holder) + "\n", encoding="utf-8")
        return True

    def release(self) -> None:
        """Frees the lock, if this process has it."""
        if self._held:
            (self.folder / HOLDER).unlink(missing_ok=True)
            self._lock.release()
            self._held = False

    def holder(self) -> str:
        """Returns the process that has the lock: "process 4711 on node3"."""
        try:
            data = read_json(self.folder / HOLDER)
            return f"process {int(data['pid'])} on {data['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def __enter__(self) -> Self:
        """Takes the lock. Raises CheckpointError, with the holder's name, if another process has it."""
        if not self.acquire():
            raise CheckpointError(
                f"{self.folder}: got {self.holder()}, which writes in it; want it ended first, or another folder"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
