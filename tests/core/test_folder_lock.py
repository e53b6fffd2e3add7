"""One process at a time writes in a folder, the second hears who it is, and a killed holder holds nothing."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest

from motet.core import CheckpointError
from motet.core.folder_lock import HOLDER, LOCK, FolderLock

HOLDS = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from motet.core.folder_lock import FolderLock
with FolderLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_is_refused_in_one_line_with_the_holder(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        with pytest.raises(CheckpointError) as error:
            FolderLock(tmp_path).__enter__()
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        assert str(error.value) == (
            f"{tmp_path}: got {holder}, which writes in it; want it ended first, or another folder"
        )
    with FolderLock(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="without forks nothing is passed on")
def test_a_forked_worker_that_outlives_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    # Workers of a loader end seconds after their parent was killed; the run is resumed at once.
    reading, writing = os.pipe()
    if not (holder := os.fork()):
        lock = FolderLock(tmp_path)
        lock.acquire()
        if not (worker := os.fork()):
            time.sleep(600)
        os.write(writing, str(worker).encode())
        time.sleep(600)
    worker = int(os.read(reading, 20))
    try:
        assert not FolderLock(tmp_path).acquire()
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
        assert FolderLock(tmp_path).acquire()
    finally:
        os.kill(worker, signal.SIGKILL)
        os.close(reading)
        os.close(writing)


def test_a_refused_one_frees_nothing(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        second = FolderLock(tmp_path)
        assert not second.acquire()
        second.release()
        assert (tmp_path / HOLDER).exists()
        assert not FolderLock(tmp_path).acquire()


def test_the_lock_of_another_process_is_seen_and_vanishes_when_it_is_killed(tmp_path: Path) -> None:
    source = str(Path(__file__).parents[2] / "src")
    command = [sys.executable, "-c", HOLDS, str(tmp_path), source]
    lock = FolderLock(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert not lock.acquire()
        assert lock.holder() == f"process {process.pid} on {socket.gethostname()}"
        process.send_signal(signal.SIGKILL)
    assert lock.acquire()
    lock.release()


def test_a_holder_that_is_not_known_has_a_name_too(tmp_path: Path) -> None:
    (tmp_path / HOLDER).write_text("[]")
    assert FolderLock(tmp_path).holder() == "another process"


@pytest.mark.parametrize(("number", "raised"), [(errno.ENOLCK, False), (errno.EROFS, True)])
def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch, number, raised) -> None:
    def no_locks(self):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock.FileLock, "acquire", no_locks)
    if raised:
        with pytest.raises(OSError, match="Read-only"):
            FolderLock(tmp_path).acquire()
    else:
        assert FolderLock(tmp_path).acquire()


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / HOLDER) if kind == "pipe" else (folder / HOLDER).symlink_to(other)
    with FolderLock(folder):
        assert (folder / HOLDER).is_file()
        assert not (folder / HOLDER).is_symlink()
    assert other.read_text() == "kept"
    (folder / LOCK).unlink()
    os.mkfifo(folder / LOCK)
    with pytest.raises(OSError, match="a pipe, socket or device"):
        FolderLock(folder).acquire()
