"""Runs of a study in separate processes, which can be stopped after some minutes and leave no memory occupied."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motet.experiments.study import FinishedCell, Study


def run_here(grid: Study, folder: Path, cell: str, seed: int, *, device: str | None = None) -> None:
    """Runs a cell in this process and writes its result; called in the subprocess."""
    from motet.experiments.study import run_cell, write_done
    from motet.training.run_training import run_training

    done = run_cell(
        grid, folder, cell, seed, train_run=lambda run, where: run_training(run, where, resume=True, device=device)
    )
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
    import time

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
    reason = error or (failed.error if failed and failed.digest == digest else "") or last
    return FinishedCell(cell=cell, seed=seed, digest=digest, seconds=time.monotonic() - started, error=reason)


def wait(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Waits for a run; after its time terminates it, so that it saves and stops, and kills it 30 seconds later.

    Returns:
        Why it was stopped, or "".
    """
    try:
        process.wait(seconds if math.isfinite(seconds) else None)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return f"took more than {seconds / 60:g} minutes"
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return ""
