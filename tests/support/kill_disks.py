"""A disk that fills up in a phase of a run, and has room again when the run is resumed."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kill_compare import broken, differences
from kill_launch import Running
from kill_phases import Phase, View
from kill_trials import PATIENCE, Trial, Way

MIB = 2**20


@contextlib.contextmanager
def small_disk(place: Path, mib: int) -> Iterator[bool]:
    """Mounts a disk of its own; yields whether that is allowed."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(place)]
    allowed = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield allowed
    finally:
        if allowed:
            subprocess.run(["umount", "-l", str(place)], check=True)


class Filler(threading.Thread):
    """Takes all room of a disk from a phase on, until it is stopped.

    Args:
        disk: to fill.
        view: of the run.
        running: the run's command.
        phase: to wait for; "start" fills the disk at once.
        step: of the run at which it begins, at the earliest.
        free: bytes that are left.
    """

    def __init__(self, disk: Path, view: View, running: Running | None, phase: Phase, step: int, free: int) -> None:
        super().__init__(daemon=True)
        self.file, self.view, self.running = disk / "filler", view, running
        self.phase, self.step, self.free = phase, step, free
        self.at: tuple[Phase, int] | None = None
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set() and not self._is_reached():
            time.sleep(0.002)
        self.at = (self.view.phase(), self.view.step()[0])
        with self.file.open("ab", buffering=0) as file:
            first = True
            while not self._stopped.is_set():
                fill(file.fileno(), self.free if first else self.free)
                first = False
                time.sleep(0.002)

    def stop(self) -> None:
        """Stops and gives the room back."""
        self._stopped.set()
        self.join()
        self.file.unlink(missing_ok=True)

    def _is_reached(self) -> bool:
        if self.phase == "start":
            return True
        return self.view.phase() == self.phase and self.view.step()[0] >= self.step
