"""The runs of a study as a grid: cells by seeds, of which a cell may start from another one's model."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from motet.core.model_folder import steps_in
from motet.experiments.run_grid import HERE, Cell, Ended, Place
from motet.experiments.study import (
    FinishedCell,
    Study,
    TrainOrResume,
    digest_in,
    finished,
    in_short,
    read_done,
    run_cell,
    run_folder,
    seconds_before,
    write_done,
)


class StudyGrid:
    """The grid of a study (`RunGrid`).

    Args:
        study: the cells and seeds.
        folder: of all studies; this one has a folder of its name in it.
        train_run: trains a run, or resumes it.
    """

    def __init__(self, study: Study, folder: Path, *, train_run: TrainOrResume) -> None:
        self.study, self.studies, self.train_run = study, folder, train_run
        self.name, self.folder = f"study {study.name}", folder / study.name
        self._keys = {_name(cell, seed): (cell, seed) for seed in study.seeds for cell in study.cells}
        self.cells = tuple(self._cell(name, *key) for name, key in self._keys.items())

    def finished(self, cell: Cell) -> bool:
        """Returns whether a run is finished, and has its weights as long as another one must start from them."""
        return self._is_done(*self._keys[cell.name])

    def run(self, cell: Cell) -> None:
        """Trains a run here; an error that a user can cause becomes the one line of its result."""
        name, seed = self._keys[cell.name]
        began, earlier = time.monotonic(), seconds_before(self.study, self.studies, name, seed)
        try:
            done = run_cell(self.study, self.studies, name, seed, train_run=self.train_run)
        except BaseException as stopped:  # by a signal, too: its seconds count when it is continued
            seconds, error = earlier + time.monotonic() - began, str(stopped) or type(stopped).__name__
            write_done(self.study, self.studies, self._failed(name, seed, seconds, error))
            raise
        write_done(self.study, self.studies, done)

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        """Notes why a run failed whose process has not written it."""
        name, seed = self._keys[cell.name]
        done = finished(self.study, self.studies, name, seed)
        if done is None:
            own = read_done(self.study, self.studies, name, seed)
            if own is None or own.digest != digest_in(self.study, name, seed):
                own = self._failed(name, seed, 0.0, "it ended without a result")
            done = self._failed(name, seed, max(seconds, own.seconds), error or own.error)
            write_done(self.study, self.studies, done)
        outcome = f"failed: {done.error}" if done.error else in_short(done.report)
        return Ended(error=done.error, line=f"{cell.name}, {done.seconds:.0f} s: {outcome}")

    def results(self) -> tuple[FinishedCell, ...]:
        """Returns the finished and failed runs of this configuration, from their files."""
        keys = self._keys.values()
        found = ((key, read_done(self.study, self.studies, *key)) for key in keys)
        return tuple(done for key, done in found if done is not None and done.digest == digest_in(self.study, *key))

    def _failed(self, cell: str, seed: int, seconds: float, error: str) -> FinishedCell:
        digest = digest_in(self.study, cell, seed)
        return FinishedCell(cell=cell, seed=seed, digest=digest, seconds=seconds, error=error)

    def _cell(self, name: str, cell: str, seed: int) -> Cell:
        first = self.study.starts.get(cell)
        return Cell(
            name=name,
            log=run_folder(self.study, self.studies, cell, seed).with_suffix(".log").name,
            after=() if first is None else (_name(first, seed),),
            minutes=self.study.minutes,
        )

    def _is_done(self, cell: str, seed: int) -> bool:
        if finished(self.study, self.studies, cell, seed) is None:
            return False
        after = [other for other, first in self.study.starts.items() if first == cell]
        if all(self._is_done(other, seed) for other in after):
            return True
        return bool(steps_in(run_folder(self.study, self.studies, cell, seed)))


def run_study(
    study: Study, folder: Path, *, train_run: TrainOrResume, place: Place = HERE, log: Callable[[str], None]
) -> tuple[FinishedCell, ...]:
    """Runs the unfinished cells and returns all results; a run that fails does not stop the others.

    Args:
        study: the grid.
        folder: of all studies; this one has a folder of its name in it.
        train_run: trains a run, or resumes it.
        place: where the runs go.
        log: called with one line per run.
    """
    grid = StudyGrid(study, folder, train_run=train_run)
    place.run(grid, log=log)
    return grid.results()


def _name(cell: str, seed: int) -> str:
    return f"{cell}, seed {seed}"
