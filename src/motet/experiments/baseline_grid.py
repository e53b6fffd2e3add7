"""The runs of a comparison as a grid: lengths, learning rates and final runs of the single-task baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from motet.core import Report
from motet.experiments.baselines import PLATEAU, baseline_run, candidate_folder, train_baselines
from motet.experiments.lr_search import (
    JOINT,
    SEARCH,
    Search,
    TrainRun,
    finished_report,
    multi_task_folder,
    rates_of,
    train_candidate,
    without_test_at,
)
from motet.experiments.plateau import PlateauRule
from motet.experiments.run_grid import Cell, Ended
from motet.experiments.single_task import grid
from motet.report.budget import Budget, read_budget
from motet.training.json_files import VAL_REPORT
from motet.training.run import Run


@dataclass(frozen=True)
class _Part:
    """The work of one cell.

    Args:
        task: of the baseline; `JOINT` for the multi-task run at another learning rate.
        lr: of a run of the search; None for what comes before or after it.
        only_length: whether it finds the length of the baseline alone.
    """

    task: str
    lr: float | None = None
    only_length: bool = False


@dataclass(frozen=True, kw_only=True)
class BaselineGrid:
    """The grid of the baselines of a run (`RunGrid`).

    It has one cell per length that is found in training, per run of the search, and per task for the final run. The
    cells leave in the folder what `train_baselines` and `best_multi_task` write; these then find all runs finished.

    Args:
        run_of_all: the multi-task run.
        folder: of the baselines.
        train_run: trains and evaluates a run.
        tasks: names.
        match: the budget.
        search: of learning rates.
        lrs: learning rates to choose between, instead.
        multi_task: the folder of the multi-task run, finished, whose learning rate is searched too; None for no search.
        searched_in: the folder of the baselines that has that search; `folder` by default.
        samples_seen: samples by source that the run took, if known.
        plateau: the rule of the budget "plateau".
        device: that compute is counted on.
    """

    run_of_all: Run
    folder: Path
    train_run: TrainRun
    tasks: Sequence[str]
    match: Budget = "rows"
    search: Search = "lr"
    lrs: Sequence[float] = ()
    multi_task: Path | None = None
    searched_in: Path | None = None
    samples_seen: Mapping[str, int] | None = None
    plateau: PlateauRule = PLATEAU
    device: torch.device | str = "cpu"

    @property
    def name(self) -> str:
        """The grid's name in messages."""
        return "baselines"

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The runs, task by task: what finds the length, the search, the final run."""
        found = []
        for name, part in self._parts.items():
            after = [
                other
                for other, before in self._parts.items()
                if before.task == part.task
                and not part.only_length
                and (before.only_length or (before.lr is not None and part.lr is None))
            ]
            found.append(Cell(name=name, log=f"{SEARCH}/{name}.log", after=tuple(after)))
        return tuple(found)

    def finished(self, cell: Cell) -> bool:
        """Returns whether a run is finished, by the files that it leaves."""
        part = self._parts[cell.name]
        if part.task == JOINT:
            return part.lr is not None and self._joint_report(part.lr) is not None
        single = self._single_run(part.task)
        if part.only_length or single is None:
            return single is not None
        final = self.folder / part.task
        if part.lr is None:
            return finished_report(final, single) is not None and read_budget(final).kind == self.match
        return final.exists() or self._candidate_report(part.task, part.lr) is not None

    def run(self, cell: Cell) -> None:
        """Finds the length of a baseline, or trains a run of the search, or the final one."""
        part = self._parts[cell.name]
        if part.task == JOINT:
            assert part.lr is not None
            run = without_test_at(self.run_of_all, part.lr)
            train_candidate(run, multi_task_folder(self._searched_in, part.lr), self.train_run)
        elif part.lr is None and not part.only_length:
            train_baselines(
                self.run_of_all,
                self.folder,
                train_run=self.train_run,
                tasks=[part.task],
                match=self.match,
                search=self.search,
                lrs=self.lrs,
                samples_seen=self.samples_seen,
                plateau=self.plateau,
                device=self.device,
                log=_quiet,
            )
        else:
            single = self._found_run(part.task)
            if part.lr is not None:
                candidate = grid(single, [part.lr])[part.lr]
                train_candidate(candidate, candidate_folder(self.folder, part.task, part.lr), self.train_run)

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        """Says the score of a run of the search; those of the final runs come in one table."""
        part = self._parts[cell.name]
        if error:
            return Ended(error=error, line=f"{cell.name}, {seconds:.0f} s: failed: {error}")
        if part.lr is None or part.task == JOINT:
            return Ended()
        report = self._candidate_report(part.task, part.lr)
        if report is None:
            return Ended()
        result = report.main(part.task)
        line = f"{part.task} alone, learning rate {part.lr:g}: {result.metric} {result.value:.1f} {result.unit} on val"
        return Ended(line=line.rstrip())

    @cached_property
    def _parts(self) -> dict[str, _Part]:
        """The parts of the work, by the names of their cells."""
        rates = rates_of(self.run_of_all, self.search, self.lrs)
        parts = []
        for task in self.tasks:
            has_val = any(one.name == task for source in self.run_of_all.of_role("val") for one in source.tasks)
            parts += [_Part(task, only_length=True)] if self.match in ("compute", "plateau") else []
            parts += [_Part(task, lr) for lr in rates if has_val and len(rates) > 1]
            parts.append(_Part(task))
        if self.multi_task is not None and len(rates) > 1 and self._has_own_val:
            parts += [_Part(JOINT, lr) for lr in rates if lr != self.run_of_all.train.lr]
        return {_name(part): part for part in parts}

    @property
    def _has_own_val(self) -> bool:
        place, run = self.multi_task, self.run_of_all
        assert place is not None
        own = finished_report(place, run, VAL_REPORT) or finished_report(place, run)
        return own is not None and own.role == "val"

    @property
    def _searched_in(self) -> Path:
        return self.searched_in or self.folder

    def _joint_report(self, lr: float) -> Report | None:
        place, run = multi_task_folder(self._searched_in, lr), without_test_at(self.run_of_all, lr)
        return finished_report(place, run, VAL_REPORT) or finished_report(place, run)

    def _candidate_report(self, task: str, lr: float) -> Report | None:
        single = self._single_run(task)
        place = candidate_folder(self.folder, task, lr)
        return None if single is None else finished_report(place, grid(single, [lr])[lr])

    def _single_run(self, task: str) -> Run | None:
        """Returns the baseline of a task, if its length is known."""
        if task not in self._singles and self._length_is_noted(task):
            try:
                self._singles[task] = self._found_run(task, train_run=_not_yet)
            except _NotYet:
                return None
        return self._singles.get(task)

    @cached_property
    def _singles(self) -> dict[str, Run]:
        """The baselines whose length is known: counting the rows of a run is dear where it has many."""
        return {}

    def _length_is_noted(self, task: str) -> bool:
        return self.match != "compute" or (self.folder / SEARCH / task / "compute.json").exists()

    def _found_run(self, task: str, *, train_run: TrainRun | None = None) -> Run:
        single, _ = baseline_run(
            self.run_of_all,
            task,
            self.folder,
            train_run=train_run or self.train_run,
            match=self.match,
            samples_seen=self.samples_seen,
            plateau=self.plateau,
            device=self.device,
            log=_quiet,
        )
        return single


class _NotYet(Exception):
    """The length of a baseline is not found yet."""


def _not_yet(run: Run, folder: Path, /, *, resume: bool) -> Report:
    del run, folder, resume
    raise _NotYet


def _name(part: _Part) -> str:
    if part.only_length:
        return f"{part.task}, length"
    return part.task if part.lr is None else f"{part.task}, learning rate {part.lr:g}"


def _quiet(line: str) -> None:
    """Prints nothing."""
