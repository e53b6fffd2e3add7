"""One run of a study in a process of its own: it can be stopped after its minutes, and leaves no memory behind."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from motet.experiments.study import FinishedCell, Study


def run_here(grid: Study, folder: Path, cell: str, seed: int, *, device: str | None = None) -> None:
    """Runs a cell in this process and writes its result: what the process apart does."""
    from motet.experiments.study import run_cell, write_done
    from motet.training.run_training import run_training

    done = run_cell(
        grid, folder, cell, seed, train_run=lambda run, where: run_training(run, where, resume=True, device=device)
    )
    write_done(grid, folder, done)


def run_in_subprocess(
    grid: Study, folder: Path, cell: str, seed: int, *, typed: Sequence[str], jobs: int
) -> FinishedCell:
    """Runs a cell in a process of its own, and reads the result it leaves.

    Args:
        grid: the study.
        folder: where studies lie.
        cell: which run.
        seed: which run.
        typed: the process's command line: a `motet` that calls `run_here` with the same study, cell and seed.
        jobs: how many run at a time; they share the processor's cores.
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
    last = (log.read_text(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    reason = error or (failed.error if failed and failed.digest == digest else "") or last
    return FinishedCell(cell=cell, seed=seed, digest=digest, seconds=time.monotonic() - started, error=reason)


def wait(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Waits for a run; past its time it is asked to save and stop, then made to. Why it was stopped, or ""."""
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
