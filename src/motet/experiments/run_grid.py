"""A grid: a set of independent runs, each with its own result, that any number of processes work off together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from motet.core import CheckpointError, ConfigError
from motet.experiments.claims import Claim, Claims

CLAIMS = ".claims"
"""The folder of the claims, in that of a grid."""
_POLL_SECONDS = 1.0
Stopping: TypeAlias = Callable[[], bool]
"""Returns whether a run is to be ended: a signal has come, or another process has its cell."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a grid.

    Args:
        name: unique in the grid.
        log: the file of what it prints in a process of its own, in the grid's folder.
        after: names of the cells that must have ended before it.
        minutes: a run that takes longer is stopped and counted as failed.
    """

    name: str
    log: str
    after: tuple[str, ...] = ()
    minutes: float = float("inf")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of a cell.

    Args:
        error: why it failed, in one line; "" when it did not.
        line: one line for the user; "" for none.
    """

    error: str = ""
    line: str = ""


class RunGrid(Protocol):
    """A set of independent runs: of a study, of groups of tasks, baselines, trials or measurements.

    Only files say what is finished, so that a stopped grid is continued, by other processes too.
    """

    @property
    def name(self) -> str:
        """The grid's name in messages."""
        ...

    @property
    def folder(self) -> Path:
        """The folder of the results, which all machines share."""
        ...

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The runs, in their order."""
        ...

    def finished(self, cell: Cell) -> bool:
        """Returns whether a cell has its result."""
        ...

    def run(self, cell: Cell) -> None:
        """Runs a cell in this process, and writes its result."""
        ...

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        """Notes the end of a cell that this process has run or started.

        Args:
            cell: of the grid.
            error: why its process failed, in one line; "" when it did not. What the run has written may say more.
            seconds: that it took.
        """
        ...


class CellRunner(Protocol):
    """Runs one cell: in this process, in another one, on another machine."""

    def __call__(self, grid: RunGrid, cell: Cell, job: int, stopping: Stopping, /) -> str:
        """Returns why the cell failed, in one line, or "".

        Args:
            grid: of the cell.
            cell: to run.
            job: number, from 0, of the thread that runs it, of those that run at the same time.
            stopping: whether the run is to be ended.
        """
        ...


class Place(Protocol):
    """The place where the cells of a grid run: this process, several, several machines."""

    @property
    def width(self) -> int:
        """The number of cells that run at the same time, over all processes."""
        ...

    @property
    def shared(self) -> bool:
        """True where other processes, started alike, work on the same grid."""
        ...

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Returns when every cell of the grid has ended, here or elsewhere. A failed cell does not stop the others."""
        ...


@dataclass(frozen=True)
class Here:
    """This process: one cell after the other, or some in threads.

    Args:
        jobs: cells at the same time.
    """

    jobs: int = 1
    shared = False

    @property
    def width(self) -> int:
        """The number of threads."""
        return self.jobs

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Runs the cells; what one raises ends the grid."""
        work_off(grid, _run_here, jobs=self.jobs, log=log)


HERE = Here()


def _run_here(grid: RunGrid, cell: Cell, job: int, stopping: Stopping) -> str:
    del job, stopping
    grid.run(cell)
    return ""


def cell_of(grid: RunGrid, name: str) -> Cell:
    """Returns the cell of a name. Raises ConfigError where there is none."""
    for cell in grid.cells:
        if cell.name == name:
            return cell
    raise ConfigError(f"{grid.name}: got the cell {name!r}; want one of {', '.join(c.name for c in grid.cells[:8])}")


def check_finished(grid: RunGrid) -> None:
    """Raises CheckpointError where a cell of a grid has no result: what follows needs all of them."""
    if missing := [cell.name for cell in grid.cells if not grid.finished(cell)]:
        raise CheckpointError(
            f"{grid.folder}: got no result of {'; '.join(missing[:5])}{' ...' if missing[5:] else ''}; want all "
            "runs of the grid finished: the lines above and the .log files say why, and the same command continues"
        )


def work_off(
    grid: RunGrid,
    runner: CellRunner,
    *,
    jobs: int = 1,
    start: float = 0.0,
    claims: Claims | None = None,
    stopping: Stopping = lambda: False,
    log: Callable[[str], None],
    poll: float = _POLL_SECONDS,
) -> None:
    """Runs the cells that are not finished and that nobody else runs, until all have ended, here or elsewhere.

    Args:
        grid: the runs.
        runner: runs one.
        jobs: cells at the same time in this process.
        start: the cell to begin with, as a share of the grid: several processes then rarely want the same.
        claims: on the cells; by default those in the grid's folder.
        stopping: whether to end.
        log: called with one line per cell.
        poll: seconds between two looks at what others do.
    """
    claims = claims or Claims(grid.folder / CLAIMS)
    worker = _Worker(grid, runner, claims, start, stopping, log, poll)
    done = sum(worker.has_ended(cell) for cell in grid.cells)
    if done or len(grid.cells) > 1:
        log(f"{grid.name}: {len(grid.cells)} runs, {done} finished")
    if jobs == 1:
        worker.work(0)
        return
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        for finished in [pool.submit(worker.work, job) for job in range(jobs)]:
            finished.result()
    finally:
        # After Ctrl-C, running cells save and stop; the others must not start.
        worker.leave()
        pool.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """The work of one process on a grid, which its threads share."""

    def __init__(
        self,
        grid: RunGrid,
        runner: CellRunner,
        claims: Claims,
        start: float,
        stopping: Stopping,
        log: Callable[[str], None],
        poll: float,
    ) -> None:
        self.grid, self.runner, self.claims, self.log, self.poll = grid, runner, claims, log, poll
        first = round(start * len(grid.cells))
        self.order = (*grid.cells[first:], *grid.cells[:first])
        self._cells = {cell.name: cell for cell in grid.cells}
        self._stopping, self._left = stopping, threading.Event()
        self._ended: set[str] = set()
        self._waits_for: tuple[str, ...] = ()

    def leave(self) -> None:
        """Lets the threads end after the cells that run."""
        self._left.set()

    def stopping(self) -> bool:
        return self._left.is_set() or self._stopping()

    def has_ended(self, cell: Cell) -> bool:
        """Returns whether a cell is finished, or has failed since this grid was begun."""
        if cell.name not in self._ended and (self.grid.finished(cell) or self.claims.error(cell.name)):
            self._ended.add(cell.name)
        return cell.name in self._ended

    def work(self, job: int) -> None:
        """Takes one free cell after the other until all have ended."""
        try:
            while not self.stopping():
                left = [cell for cell in self.order if not self.has_ended(cell)]
                if not left:
                    return
                if not self._take_one(left, job):
                    self._say_who(left)
                    self._left.wait(self.poll)
        except BaseException:
            self.leave()
            raise

    def _take_one(self, left: Sequence[Cell], job: int) -> bool:
        for cell in left:
            if not all(self.has_ended(self._cells[name]) for name in cell.after):
                continue
            claim = self.claims.take(cell.name)
            if claim is None:
                continue
            with claim:
                # Another process may have finished it between the look and the claim.
                if not self.has_ended(cell):
                    self._run(cell, claim, job)
            return True
        return False

    def _run(self, cell: Cell, claim: Claim, job: int) -> None:
        began = time.monotonic()
        error = self.runner(self.grid, cell, job, lambda: self.stopping() or claim.lost())
        if claim.lost():
            self.log(f"{cell.name}: another process has taken it over")
            return
        ended = self.grid.ended(cell, error, time.monotonic() - began)
        if ended.line:
            self.log(ended.line)
        if self.stopping() and not self.grid.finished(cell):
            return  # that is no failure: another process, or the next call, continues it
        claim.error = ended.error or ("" if self.grid.finished(cell) else "it ended without a result")
        self._ended.add(cell.name)

    def _say_who(self, left: Sequence[Cell]) -> None:
        """Says once for whom this process waits."""
        others = tuple(f"{cell.name} ({who})" for cell in left if (who := self.claims.holder(cell.name)))
        if others and others != self._waits_for:
            self._waits_for = others
            self.log(f"{self.grid.name}: waits for {', '.join(others[:4])}")
