"""A disk that fills up in a phase of a run, and has room again when the run is resumed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from kill_compare import broken, differences
from kill_phases import Phase, View
from kill_trials import PATIENCE, PLACES, Trial, Way

MIB = 2**20
_FILLER = "filler"


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
    """Takes all room of a disk but some bytes, from a phase of a run on, until it is stopped.

    Args:
        disk: to fill.
        view: of the run.
        phase: to wait for; "start" fills the disk at once.
        step: of the run at which it begins, at the earliest.
        free: bytes that are left.
    """

    def __init__(self, disk: Path, view: View, phase: Phase, step: int, free: int) -> None:
        super().__init__(daemon=True)
        self.disk, self.view, self.phase, self.step, self.free = disk, view, phase, step, free
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set() and not self._is_reached():
            time.sleep(0.001)
        with (self.disk / _FILLER).open("ab", buffering=0) as file:
            while not self._stopped.is_set():
                room = shutil.disk_usage(self.disk).free - self.free
                if room > 0:
                    with contextlib.suppress(OSError):  # someone else was faster
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), room)
                else:
                    time.sleep(0.001)

    def stop(self) -> None:
        """Stops and gives the room back."""
        self._stopped.set()
        self.join()
        (self.disk / _FILLER).unlink(missing_ok=True)

    def _is_reached(self) -> bool:
        if self.phase == "start":
            return True
        now = self.view.phase()
        if now != self.phase:
            return PLACES[now] > PLACES[self.phase]
        return PLACES[now] != PLACES["steps"] or self.view.step()[0] >= self.step


def full_disk(
    trial: Trial, whole: Path, way: Way, disk: Path, phase: Phase, *, step: int, free: int, resume: bool
) -> tuple[str, list[str]]:
    """Fills the disk of a run in a phase, frees it and runs the same command again.

    Args:
        trial: its place is on the disk.
        whole: the undisturbed run.
        way: of the starts.
        disk: the mounted folder.
        phase, step, free: see `Filler`.
        resume: the disk is full when a run that was killed half-way is resumed.

    Returns:
        The line that the command printed, or "" if it ended well all the same; and what is wrong.
    """
    found: list[str] = []
    if resume:
        running = trial.start(way, world=1, resume=False)
        view = trial.view(running.since)
        while running.is_alive() and view.step()[0] < step:
            time.sleep(0.002)
        running.send(signal.SIGKILL)
        running.wait(PATIENCE)
    if phase == "start":
        filler = Filler(disk, trial.view(0), phase, step, free)
        filler.start()
        while shutil.disk_usage(disk).free > free:
            time.sleep(0.002)
        running = trial.start(way, world=1, resume=resume, name="../full")
    else:
        running = trial.start(way, world=1, resume=resume, name="../full")
        filler = Filler(disk, trial.view(running.since), phase, step, free)
        filler.start()
    codes, text = running.wait(PATIENCE), running.text()
    lines = [line for line in text.splitlines() if line.startswith("motet:")]
    one_line = codes == [2] and len(lines) == 1 and "Traceback" not in text and _names_the_disk(lines[0])
    if codes != [0] and not one_line:
        found.append(f"ends with {codes}: {text[-600:]}")
    found += [f"on the full disk: {text}" for text in broken(trial.place / "run")]
    filler.stop()
    running = trial.start(way, world=1, resume=True, name="../again")
    codes = running.wait(PATIENCE)
    if codes != [0]:
        found.append(f"resume ends with {codes}: {running.text()[-400:]}")
    else:
        found += differences(whole, trial.place)
    return (lines[-1] if lines else ""), found


def _names_the_disk(line: str) -> bool:
    return "No space left" in line or "bytes free" in line
