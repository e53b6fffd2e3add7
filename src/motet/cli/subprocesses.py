"""Cells of a grid in separate processes, which can be stopped after some minutes and leave no memory occupied."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motet.experiments.run_grid import Cell, RunGrid, Stopping

ENDS_WITH_STDIN = "MOTET_ENDS_WITH_STDIN"
"""The variable by which a process knows that its standard input is held open by the process it works for."""
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 30


def run_only(grid: RunGrid, name: str) -> None:
    """Runs one cell of a grid in this process; called in the subprocess.

    It ends with the process that has started it: another one may soon run the same cell.
    """
    from motet.experiments.run_grid import cell_of

    if os.environ.get(ENDS_WITH_STDIN):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    grid.run(cell_of(grid, name))


def _end_with_stdin() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)  # it saves and stops
    time.sleep(_GRACE_SECONDS)
    os._exit(1)


def run_words(
    words: Sequence[str],
    log: Path,
    *,
    minutes: float,
    stopping: Stopping,
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> str:
    """Runs a command line of `motet` in a subprocess; no shell reads its words.

    Args:
        words: after ``motet``.
        log: gets all that it prints.
        minutes: that it may take.
        stopping: whether to end it.
        environment: variables besides this process's own.
        folder: its working directory.

    Returns:
        Why it failed, in one line: its time, a stop, or the last line that it printed. "" for success.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "motet.cli", *words],
            stdin=subprocess.PIPE,  # never written to; the system closes it when this process dies
            stdout=output,
            stderr=output,
            cwd=folder,
            env=os.environ | dict(environment) | {ENDS_WITH_STDIN: "1"},
        )
        error = wait(process, 60 * minutes, stopping)
    if error or process.returncode == 0:
        return error
    return (log.read_text(errors="replace").strip().splitlines() or ["the process wrote no message"])[-1]


def run_cell_process(grid: RunGrid, cell: Cell, words: Sequence[str], *, stopping: Stopping, **environment: str) -> str:
    """Runs a cell of a grid in a subprocess on this machine; returns why it failed, or "".

    Args:
        grid: of the cell.
        cell: to run.
        words: the command line whose cell it is, after ``motet``.
        stopping: whether to end it.
        **environment: variables besides this process's own.
    """
    typed = only_words(words, cell)
    return run_words(typed, grid.folder / cell.log, minutes=cell.minutes, stopping=stopping, environment=environment)


def only_words(words: Sequence[str], cell: Cell) -> list[str]:
    """Returns the command line that runs one cell alone. Its name is one word, whatever characters it has."""
    place = list(words).index("--") if "--" in words else len(words)
    return [*words[:place], f"--only={cell.name}", *words[place:]]


def wait(process: subprocess.Popen[bytes], seconds: float, stopping: Stopping) -> str:
    """Waits for a run; after its time terminates it, so that it saves and stops, and kills it 30 seconds later.

    So it does when it is to be stopped.

    Args:
        process: of the run.
        seconds: that it may take.
        stopping: whether to end it.

    Returns:
        Why it was stopped, or "".
    """
    end = time.monotonic() + seconds
    asked = False
    try:
        while process.poll() is None and time.monotonic() < end and not (asked := stopping()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, min(_POLL_SECONDS, end - time.monotonic())))
    finally:
        stopped = process.poll() is None
        if stopped:
            _end(process)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
    if not stopped:
        return ""
    return "stopped" if asked else f"took more than {seconds / 60:g} minutes"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
