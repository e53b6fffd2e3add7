"""One round of a search as a grid: trials that were drawn together, each scored on val rows against the recipe."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from motet.core import CheckpointError, ConfigError, Report, System
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.source import Source
from motet.evaluation import evaluate
from motet.experiments.lr_search import finished_report, gain_over
from motet.experiments.run_grid import Cell, Ended
from motet.training.errors import TrainingError
from motet.training.evaluator import Evaluator
from motet.training.run import Run

TRIALS, ROUND = "trials", "round.json"
BASE = "000"
"""The folder of the recipe itself, with which the others are compared."""
_RESULT = "trial.json"
_EVALUATIONS = 5  # of a trial, where the recipe has none: a trial can only be pruned at an evaluation


class TrainTrial(Protocol):
    """Trains a run with an evaluator of its val rows: `run_training`, or a function of the caller around it."""

    def __call__(self, run: Run, folder: Path, /, *, evaluator: Evaluator) -> Report:
        """Returns the last report; continues a run that was stopped."""
        ...


class Pruned(Exception):
    """A trial that is behind the median of the others at the same step."""


class OutOfTime(Exception):
    """The time of the search is over in the middle of a trial."""


@dataclass(frozen=True)
class TrialResult:
    """The end of a trial, as its file says.

    Args:
        outcome: "finished", "pruned" or "failed".
        values: step -> gain over the recipe itself at that step.
        gain: at the end; None where nothing was evaluated.
        error: why it failed.
    """

    outcome: str
    values: Mapping[int, float]
    gain: float | None
    error: str = ""


@dataclass(frozen=True)
class Round:
    """The trials of a round, and what prunes them: all that another process needs to run some of them.

    Args:
        settings: folder of a trial -> what it changes.
        medians: step -> the median gain of earlier trials; empty while they are few.
        identity: of the search, as plain data.
    """

    settings: Mapping[str, tuple[str, ...]]
    medians: Mapping[int, float]
    identity: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Writes it into the folder of the search."""
        data = {**vars(self), "medians": [[step, value] for step, value in self.medians.items()]}
        write_whole(folder / ROUND, json.dumps(data) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Round | None:
        """Reads the round that is open in the folder of a search; None where there is none.

        Raises:
            CheckpointError: a damaged file.
        """
        path = folder / ROUND
        try:
            data = read_json(path)
            settings = {str(place): tuple(map(str, texts)) for place, texts in data["settings"].items()}
            if any(not place.isdecimal() for place in settings):
                raise ValueError("a trial without a number")
            return cls(settings, {int(step): float(value) for step, value in data["medians"]}, data["identity"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{path}: got a damaged file ({error}); want the trials of `motet tune`") from error


class TrialRound:
    """The grid of the trials of one round (`RunGrid`).

    Args:
        folder: of the search.
        trials: of the round.
        configure: returns the recipe's run with some settings changed.
        train_trial: trains a run.
        ends: the time at which the search is over.
        clock: the time in seconds.
    """

    def __init__(
        self,
        folder: Path,
        trials: Round,
        *,
        configure: Callable[[Sequence[str]], Run],
        train_trial: TrainTrial,
        ends: float,
        clock: Callable[[], float],
    ) -> None:
        self.name, self.folder, self.trials = "trials", folder, trials
        self.configure, self.train_trial, self.ends, self.clock = configure, train_trial, ends, clock
        self._places = {f"trial {int(place)}": place for place in trials.settings}
        minutes = max(0.0, ends - clock()) / 60
        # The recipe itself is never stopped: without it nothing can be compared.
        self.cells = tuple(
            Cell(name=name, log=f"{TRIALS}/{place}.log", minutes=float("inf") if place == BASE else minutes)
            for name, place in self._places.items()
        )

    def finished(self, cell: Cell) -> bool:
        """Returns whether a trial has ended."""
        return self.result(self._places[cell.name]) is not None

    def result(self, place: str) -> TrialResult | None:
        """Returns the end of a trial with these settings; None if it has none yet."""
        try:
            data = read_json(self.folder / TRIALS / place / _RESULT)
            if data["settings"] != list(self.trials.settings[place]):
                return None
            values = {int(step): float(value) for step, value in data["values"]}
            gain = None if data["gain"] is None else float(data["gain"])
            return TrialResult(str(data["outcome"]), values, gain, str(data["error"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def run(self, cell: Cell) -> None:
        """Trains a trial until it has ended or the time is over."""
        place = self._places[cell.name]
        folder, own = self.folder / TRIALS / place, None
        if place != BASE:
            own = _report_of(self.folder / TRIALS / BASE)
        watched = WatchedEvaluation(own, self.trials.medians, self.ends, self.clock)
        try:
            run = _without_test(self.configure(self.trials.settings[place]))
            watched.steps = run.train.steps
            report = finished_report(folder, run) or self.train_trial(run, folder, evaluator=watched)
            if report.step < run.train.steps:
                raise CheckpointError(
                    f"{folder}: stopped after step {report.step} of {run.train.steps}; call again to go on"
                )
        except Pruned:
            values = watched.values
            self._write(place, TrialResult("pruned", values, values[max(values)]))
        except OutOfTime:
            return  # it stays open: the next call continues it
        except (TrainingError, ConfigError) as error:
            if place == BASE:
                raise
            self._write(place, TrialResult("failed", watched.values, None, str(error)))
        else:
            self._write(place, TrialResult("finished", watched.values, 0.0 if own is None else gain_over(report, own)))

    def ended(self, cell: Cell, error: str, seconds: float) -> Ended:
        """Says how a trial has ended."""
        place = self._places[cell.name]
        found = self.result(place)
        outcome = "stopped" if found is None else found.outcome
        gain = "" if found is None or found.gain is None else f", {found.gain:+.1f} % on val against the recipe"
        why = f" ({error})" if error and found is None else ""
        settings = " ".join(self.trials.settings[place]) or "the recipe itself"
        return Ended(error=error, line=f"{cell.name}, {settings}: {outcome}{why}{gain}, {seconds:.0f} s")

    def _write(self, place: str, found: TrialResult) -> None:
        folder = self.folder / TRIALS / place
        folder.mkdir(parents=True, exist_ok=True)
        values = [[step, value] for step, value in found.values.items()]
        data = {**vars(found), "values": values, "settings": list(self.trials.settings[place])}
        write_whole(folder / _RESULT, json.dumps(data) + "\n")


class WatchedEvaluation:
    """The evaluation of val rows, after which a trial may end.

    Args:
        own: the report of the recipe itself; None for that trial, which is never pruned.
        medians: step -> the median gain of earlier trials.
        ends: the time at which the search is over.
        clock: the time in seconds.
    """

    def __init__(
        self, own: Report | None, medians: Mapping[int, float], ends: float, clock: Callable[[], float]
    ) -> None:
        self.own, self.medians, self.ends, self.clock, self.steps = own, medians, ends, clock, 0
        self.values: dict[int, float] = {}

    def __call__(
        self, system: System, sources: Sequence[Source], *, batch_size: int, step: int, workers: int
    ) -> Report:
        report = evaluate(system, sources, batch_size=batch_size, step=step, workers=workers)
        self.watch(report)
        return report

    def watch(self, report: Report) -> None:
        """Raises Pruned or OutOfTime where the trial ends after this report."""
        if self.own is None or report.step == self.steps:  # what is done is not pruned
            return
        tasks = {result.task for result in self.own.results if result.main}
        if tasks <= {result.task for result in report.results if result.main}:
            self.values[report.step] = gain_over(report, self.own)
            if max(self.values.values()) < self.medians.get(report.step, float("-inf")):
                raise Pruned
        if self.clock() > self.ends:
            raise OutOfTime


def _without_test(run: Run) -> Run:
    every = run.train.evaluate_every or max(1, run.train.steps // _EVALUATIONS)
    return dataclasses.replace(
        run,
        sources=tuple(source for source in run.sources if source.role != "test"),
        train=dataclasses.replace(run.train, evaluate_every=every),
        expect={},
    )


def _report_of(folder: Path) -> Report:
    from motet.hub.load import read_report

    report = read_report(folder)
    if report is None:
        raise CheckpointError(
            f"{folder}: got no report; want that of the recipe itself (remove the study to begin anew)"
        )
    return report
