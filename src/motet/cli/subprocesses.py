"""Runs of a study in separate processes, which can be stopped after some minutes and leave no memory occupied."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motet.cli.stop import Stopped, is_stopping

_POLL_SECONDS = 0.5

if TYPE_CHECKING:
    from motet.experiments.study import FinishedCell, Study


def run_here(grid: Study, folder: Path, cell: str, seed: int, *, device: str | None = None) -> None:
    """Runs a cell in this process and writes its result; called in the subprocess."""
    from motet.experiments.study import FinishedCell, digest_in, run_cell, seconds_before, write_done
    from motet.training.run_training import run_training

    started, earlier = time.monotonic(), seconds_before(grid, folder, cell, seed)
    try:
        done = run_cell(
            grid, folder, cell, seed, train_run=lambda run, where: run_training(run, where, resume=True, device=device)
        )
    except Stopped as stopped:
        seconds, digest = earlier + time.monotonic() - started, digest_in(grid, cell, seed)
        done = FinishedCell(cell=cell, seed=seed, digest=digest, seconds=seconds, error=str(stopped))
        write_done(grid, folder, done)
        raise
    write_done(grid, folder, done)


def run_in_subprocess(
    grid: Study, folder: Path, cell: str, seed: int, *, typed: Sequence[str], jobs: int
) -> FinishedCell:
    """Runs a cell in a subprocess, and returns the result that it wrote.

    Args:
        grid: the study.
        folder: of all studies.
        cell: the cell's name.
        seed: the run's seed.
        typed: the command line of the subprocess: a `motet` that calls `run_here` with the same study, cell and seed.
        jobs: number of runs at the same time; they share the CPU cores.
    """
    import os

    from motet.experiments.study import FinishedCell, digest_in, finished, read_done, run_folder

    log = run_folder(grid, folder, cell, seed).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))} if jobs > 1 else {}
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(typed, stdout=output, stderr=output, env=os.environ | threads)
        error = wait(process, 60 * grid.minutes)
    digest = digest_in(grid, cell, seed)
    done = finished(grid, folder, cell, seed)
    if done is not None:
        return done
    failed = read_done(grid, folder, cell, seed)
    last = (log.read_text(errors="replace").strip().splitlines() or ["the process wrote no message"])[-1]
    own = failed if failed is not None and failed.digest == digest else None
    seconds = max(time.monotonic() - started, own.seconds if own else 0.0)
    return FinishedCell(
        cell=cell, seed=seed, digest=digest, seconds=seconds, error=error or (own.error if own else "") or last
    )


def wait(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Waits for a run; after its time terminates it, so that it saves and stops, and kills it 30 seconds later.

    So it does when a signal stops this program, here or, in a thread, as soon as it is seen.

    Returns:
        Why it was stopped, or "".
    """
    end = time.monotonic() + seconds
    try:
        while process.poll() is None and time.monotonic() < end and not is_stopping():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, min(_POLL_SECONDS, end - time.monotonic())))
    finally:
        stopped = process.poll() is None
        if stopped:
            _end(process)
    if not stopped:
        return ""
    return "stopped" if is_stopping() else f"took more than {seconds / 60:g} minutes"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
