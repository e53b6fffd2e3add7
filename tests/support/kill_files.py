"""Kills of the commands that write files beside a run: a file of an earlier time is whole, or replaced as a whole."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kill_launch import Running
from kill_trials import PATIENCE, Way


@dataclass(frozen=True)
class Writer:
    """A command that writes files.

    Args:
        arguments: of `motet`.
        environment: of it.
        files: that it writes.
        logs: gets stderr.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    files: Sequence[Path]
    logs: Path

    def start(self, way: Way) -> Running:
        return way.start(self.arguments, self.environment, self.logs)


EARLIER = b"an earlier file\n"


def undisturbed(writer: Writer, way: Way) -> tuple[dict[Path, bytes], float]:
    """Returns the files that the command writes, and the seconds that it takes."""
    running = writer.start(way)
    codes = running.wait(PATIENCE)
    if codes != [0]:
        raise RuntimeError(f"{writer.arguments}: {codes} {running.text()}")
    return {path: path.read_bytes() for path in writer.files}, time.time() - running.since


def killed_writer(
    writer: Writer, way: Way, whole: Mapping[Path, bytes], seconds: float, rng: random.Random
) -> tuple[str, list[str]]:
    """Kills a command that writes files, and runs it again.

    Half of the kills wait for the first unfinished file.

    Returns:
        The state of the files after the kill ("earlier", "new", "both"), and what is wrong.
    """
    for path in writer.files:
        path.write_bytes(EARLIER)
    running = writer.start(way)
    if rng.random() < 0.5:
        _wait_for_part(writer, running)
        time.sleep(rng.uniform(0, 0.03))
    else:
        time.sleep(rng.uniform(0, seconds))
    alive = running.is_alive()
    running.send(signal.SIGKILL)
    running.wait(PATIENCE)
    found = list(_half(writer, whole))
    states = {"earlier" if path.read_bytes() == EARLIER else "new" for path in writer.files if path.is_file()}
    again = writer.start(way)
    if (codes := again.wait(PATIENCE)) != [0]:
        found.append(f"again: {codes} {again.text()[-300:]}")
    found += [f"again: {path.name} differs" for path in writer.files if path.read_bytes() != whole[path]]
    return ("" if not alive else "both" if len(states) > 1 else states.pop()), found


def _half(writer: Writer, whole: Mapping[Path, bytes]) -> Iterator[str]:
    for path in writer.files:
        if not path.is_file():
            yield f"{path.name} is gone"
        elif path.read_bytes() not in (EARLIER, whole[path]):
            yield f"{path.name} is half written"


def _wait_for_part(writer: Writer, running: Running) -> None:
    folders = {path.parent for path in writer.files}
    while running.is_alive() and not any(True for folder in folders for _ in folder.glob(".*.part")):
        time.sleep(0.001)
