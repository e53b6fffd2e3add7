"""A search of learning rates on val rows, the same for both sides of a comparison."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from motet.core import CheckpointError, Report
from motet.core.whole_files import write_whole
from motet.report.compare import delta_m, relative_delta
from motet.training.json_files import REPORT, VAL_REPORT
from motet.training.run import Run

Search: TypeAlias = Literal["none", "lr"]
"""The search on both sides of a comparison: none, or of the learning rate."""
FACTORS = (1 / 3, 1.0, 3.0)
"""The learning rates tried by default, as multiples of the multi-task run's."""
SEARCH = "search"
"""The folder of the runs of the search, in that of the baselines."""
JOINT = "multi-task"
"""The name of the multi-task run in that folder; a task cannot have it, since its runs lie in a folder of that name."""


class TrainRun(Protocol):
    """Trains and evaluates a run: `run_training`, or a function of the caller around it."""

    def __call__(self, run: Run, folder: Path, /, *, resume: bool) -> Report:
        """Returns the last report."""
        ...


def rates_of(run: Run, search: Search, lrs: Sequence[float] = ()) -> tuple[float, ...]:
    """Returns the learning rates to try on either side: those that are given, else by the search."""
    if lrs:
        return tuple(lrs)
    return tuple(factor * run.train.lr for factor in FACTORS) if search == "lr" else (run.train.lr,)


def train_candidate(run: Run, folder: Path, train_run: TrainRun) -> Report:
    """Returns the report of a run, which is trained unless it is finished. Raises CheckpointError where it stops."""
    report = finished_report(folder, run) or train_run(run, folder, resume=True)
    if report.step < run.train.steps:
        raise CheckpointError(f"{folder}: stopped after step {report.step} of {run.train.steps}; call again to go on")
    return report


def finished_report(folder: Path, run: Run, name: str = REPORT) -> Report | None:
    """Returns the final report of a finished run, on test rows if it has some; None if it is not finished."""
    try:
        report = Report.from_dict(json.loads((folder / name).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    wanted = "test" if run.of_role("test") and name == REPORT else "val"
    return report if report.step == run.train.steps and report.role == wanted else None


def best_multi_task(
    run: Run,
    place: Path,
    folder: Path,
    rates: Sequence[float],
    *,
    train_run: TrainRun,
    log: Callable[[str], None],
) -> Path:
    """Returns the folder of the multi-task run with the best learning rate on val; trains it at those not yet tried.

    The best has the largest delta-m over the run itself, task by task on its val rows. Only then is it evaluated on the
    test rows, unless it is the run itself.

    Args:
        run: the multi-task run, finished.
        place: its folder.
        folder: of the baselines; the search's runs go below it.
        rates: the learning rates.
        train_run: trains and evaluates a run.
        log: called with one line per learning rate.

    Raises:
        CheckpointError: a run that was stopped; the same call goes on.
    """
    own = finished_report(place, run, VAL_REPORT) or finished_report(place, run)
    if own is None or own.role != "val" or len(rates) < 2:
        if len(rates) > 1:
            log("multi-task: no val rows to choose a learning rate by: its own is kept")
        return place
    gains = {run.train.lr: 0.0}
    for lr in rates:
        if lr not in gains:
            candidate = without_test_at(run, lr)
            tried = multi_task_folder(folder, lr)  # its last report is that of test rows once it was chosen
            report = finished_report(tried, candidate, VAL_REPORT) or train_candidate(candidate, tried, train_run)
            gains[lr] = gain_over(report, own)
            log(f"multi-task, learning rate {lr:g}: {gains[lr]:+.1f} % on val against the run's {run.train.lr:g}")
    best = max(gains, key=lambda lr: (gains[lr], lr == run.train.lr))
    note = folder / SEARCH / f"{JOINT}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    write_whole(note, json.dumps({"run": place.name, "own": run.train.lr, "best": best}) + "\n")
    if best == run.train.lr:
        return place
    log(f"multi-task: learning rate {best:g} is the best on val; its run is compared")
    chosen = dataclasses.replace(run, train=dataclasses.replace(run.train, lr=best), expect={})
    train_candidate(chosen, multi_task_folder(folder, best), train_run)
    return multi_task_folder(folder, best)


def searched_run(run: Path, folders: Sequence[Path]) -> tuple[Path, float] | None:
    """Returns the folder and the learning rate that a search chose in the place of a multi-task run.

    Args:
        run: the folder of the multi-task run.
        folders: of baselines; those of the run have the note of `best_multi_task`.

    Returns:
        None where no search of the run is known, or the run itself was the best.
    """
    for folder in folders:
        try:
            match json.loads((folder / SEARCH / f"{JOINT}.json").read_text(encoding="utf-8")):
                case {"run": str() as name, "own": float() as own, "best": float() as best}:
                    chosen = multi_task_folder(folder, best)
                    if name == run.name and best != own and chosen.is_dir():
                        return chosen, best
        except (OSError, ValueError):
            continue
    return None


def is_searched(folder: Path) -> bool:
    """Returns whether a folder of baselines has the note of a search of the multi-task run's learning rate."""
    return (folder / SEARCH / f"{JOINT}.json").is_file()


def without_test_at(run: Run, lr: float) -> Run:
    """Returns a run at another learning rate and without its test sources: a candidate of a search."""
    return dataclasses.replace(
        run,
        sources=tuple(source for source in run.sources if source.role != "test"),
        train=dataclasses.replace(run.train, lr=lr),
        expect={},
    )


def multi_task_folder(folder: Path, lr: float) -> Path:
    """Returns the folder of the multi-task run at a learning rate, in that of the baselines."""
    return folder / SEARCH / JOINT / f"lr-{lr:g}"


def gain_over(report: Report, own: Report) -> float:
    """Returns delta-m in percent over the tasks whose score the other report has above or below 0.

    Args:
        report: of a run.
        own: of the run that it is compared with, on the same rows.
    """
    deltas = []
    for task in dict.fromkeys(result.task for result in own.results if result.main):
        new, old = report.main(task), own.main(task)
        deltas.append(relative_delta(new.value, old.value, old.higher_is_better))
    known: Mapping[int, float] = {place: delta for place, delta in enumerate(deltas) if delta is not None}
    return delta_m(known.values()) or 0.0
