"""Claims on the cells of a grid: files in a shared folder, by which machines that do not talk share out the work.

    <folder>/<cell>.1     the first claim: its process, and the error once it has ended
    <folder>/<cell>.2     the claim of the process that took the cell over

A claim is created with O_EXCL, which is atomic on NFS too, and never removed while it is the newest. The newest counts:
of two processes that take over one dead claim only one can create the next number, and nothing needs a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

from motet.core import CheckpointError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole

_LONGEST = 100  # characters of a file's name


class Claims:
    """The claims on the cells of one grid.

    A process touches its claim every `beat` seconds. A claim is dead when its process is gone on this machine, or when
    nobody has touched it for `lapse` seconds by the clock of the process that watches: clocks of two machines are never
    compared.

    Args:
        folder: of the files; all machines see it.
        beat: seconds between two touches.
        lapse: seconds without a touch; more than a minute, for which NFS may show an old time.

    Raises:
        CheckpointError: a folder that cannot be written.
    """

    def __init__(self, folder: Path, *, beat: float = 15.0, lapse: float = 120.0) -> None:
        self.folder, self.beat, self.lapse = folder, beat, lapse
        self._watched: dict[Path, tuple[int, float]] = {}
        self._lock = threading.Lock()
        mark = folder / f".{uuid4().hex}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            mark.touch()
            # The file system's own clock: it is compared with the times of other files of this folder alone.
            self.began = mark.stat().st_mtime_ns
            mark.unlink()
        except OSError as error:
            raise CheckpointError(f"{folder}: got {error.strerror}; want a folder that can be written") from error

    def take(self, cell: str) -> Claim | None:
        """Returns a claim on a cell; None while another process, on any machine, has one that is alive."""
        with self._lock:
            number, newest = self._newest(cell)
            if newest is not None and not self._free(newest):
                return None
            path = self._path(cell, number + 1)
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            except FileExistsError:
                return None
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(_process()) + "\n")
            if newest is not None:
                newest.unlink(missing_ok=True)
        return Claim(path, self._path(cell, number + 2), self.beat)

    def error(self, cell: str) -> str:
        """Returns the error with which a cell has ended since this object was made, in any process; "" for none."""
        _, newest = self._newest(cell)
        data = {} if newest is None else _read(newest)
        try:
            fresh = newest is not None and newest.stat().st_mtime_ns >= self.began
        except OSError:
            return ""
        return str(data.get("error", "")) if fresh and data.get("ended") else ""

    def holder(self, cell: str) -> str:
        """Returns the other process that has a cell: "process 4711 on node3"; "" where none has it."""
        _, newest = self._newest(cell)
        data = {} if newest is None else _read(newest)
        if data == _process() or "pid" not in data or data.get("ended"):
            return ""
        return f"process {data['pid']} on {data.get('host')}"

    def _path(self, cell: str, number: int) -> Path:
        name = quote(cell, safe=" +=,")
        if len(name) > _LONGEST:
            name = f"{name[:_LONGEST]}-{hashlib.blake2b(cell.encode(), digest_size=6).hexdigest()}"
        return self.folder / f"{name}.{number}"

    def _newest(self, cell: str) -> tuple[int, Path | None]:
        stem = self._path(cell, 0).name.removesuffix("0")
        names = os.listdir(self.folder) if self.folder.is_dir() else []  # noqa: PTH208  of names alone
        numbers = [int(end) for name in names if name.startswith(stem) and (end := name.removeprefix(stem)).isdecimal()]
        return (max(numbers), self._path(cell, max(numbers))) if numbers else (0, None)

    def _free(self, path: Path) -> bool:
        data = _read(path)
        if data.get("ended"):
            return True
        own = _process()
        if (data.get("host"), data.get("space")) == (own["host"], own["space"]) and not _runs(data.get("pid")):
            return True
        try:
            with path.open("rb") as file:  # NFS asks the server for the time of a file that is opened
                touched = os.fstat(file.fileno()).st_mtime_ns
        except OSError:
            return False  # it was taken over or has ended just now
        before, since = self._watched.get(path, (0, 0.0))
        if touched != before:
            self._watched[path] = (touched, time.monotonic())
            return False
        return time.monotonic() - since > self.lapse


@dataclass
class Claim:
    """A claim that this process has on a cell, touched by a thread until it ends.

    Args:
        path: of its file.
        successor: the file that another process creates when it takes this for dead.
        beat: seconds between two touches.
        error: of the cell, for other processes; "" where it has not failed.
    """

    path: Path
    successor: Path
    beat: float
    error: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)

    def lost(self) -> bool:
        """Returns whether another process has taken the cell over, such as after a long pause of this one."""
        return self.successor.exists()

    def __enter__(self) -> Self:
        threading.Thread(target=self._touch, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the claim. Its `error`, if set, tells other processes that the cell has failed."""
        self._ended.set()
        if not self.lost():
            with contextlib.suppress(OSError):  # a full disk: the claim is dead when this process is
                write_whole(self.path, json.dumps({**_process(), "ended": True, "error": self.error}) + "\n")

    def _touch(self) -> None:
        while not self._ended.wait(self.beat):
            with contextlib.suppress(OSError):
                os.utime(self.path)


def _process() -> dict[str, Any]:
    # Two containers can have one host name: a process id means something inside one namespace alone.
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return {"pid": os.getpid(), "host": socket.gethostname(), "space": space}


def _runs(pid: object) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return True  # the file is still being written
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path)
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
