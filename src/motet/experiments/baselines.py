"""Training of the single-task baselines of a multi-task run, with a search of their learning rates."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.core import CheckpointError, ConfigError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.exposure import samples_per_source
from motet.data.mixture import Mixture
from motet.experiments.lr_search import JOINT, SEARCH, Search, TrainRun, finished_report, rates_of, train_candidate
from motet.experiments.single_task import Budget, best_lr, grid, single_task
from motet.training.run import Run


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Samples and steps of a task in the multi-task run and in its single-task baseline, by matched budget.

    Args:
        task: its name.
        rows: samples that the multi-task run takes of its sources.
        steps: of the multi-task run.
        single_rows: samples of the baseline, by matched budget.
        single_steps: steps of the baseline, by matched budget.
    """

    task: str
    rows: int
    steps: int
    single_rows: Mapping[Budget, int]
    single_steps: Mapping[Budget, int]


def budgets(run: Run, tasks: Sequence[str], samples_seen: Mapping[str, int] | None = None) -> tuple[Budgets, ...]:
    """Returns both budgets of every task's single-task baseline.

    Args:
        run: the multi-task run.
        tasks: names.
        samples_seen: samples by source that the run took, if known.
    """
    found = []
    for task in tasks:
        single_runs: dict[Budget, Run] = {
            way: single_task(run, task, match=way, samples_seen=samples_seen) for way in ("rows", "steps")
        }
        rows = {way: sum(_rows(single_run).values()) for way, single_run in single_runs.items()}
        # Matched by rows, the baseline takes as many samples of the task as the run.
        steps = {way: single_run.train.steps for way, single_run in single_runs.items()}
        found.append(Budgets(task=task, rows=rows["rows"], steps=run.train.steps, single_rows=rows, single_steps=steps))
    return tuple(found)


def train_baselines(
    run: Run,
    folder: Path,
    *,
    train_run: TrainRun,
    tasks: Sequence[str] = (),
    match: Budget = "rows",
    search: Search = "lr",
    lrs: Sequence[float] = (),
    samples_seen: Mapping[str, int] | None = None,
    log: Callable[[str], None],
) -> dict[str, Path]:
    """Trains the single-task baseline of every task; continues an earlier call that was stopped.

    The learning rate of each is the best on its val rows; its test rows are evaluated once, with that one. A task
    without val rows keeps the run's own learning rate. `best_multi_task` searches the other side alike.

    Args:
        run: the multi-task run.
        folder: gets one run folder per task, and those of the search under ``search/``.
        train_run: trains and evaluates a run.
        tasks: names; all of the run by default.
        match: the budget that the baseline and the run have in common.
        search: "lr" tries a third, one and three times the run's learning rate; "none" keeps it.
        lrs: the learning rates to choose between, instead.
        samples_seen: samples by source that the run took, if known.
        log: called with one line per task.

    Raises:
        ConfigError: a task that the run does not have, or a run of one task, which is its own baseline.
    """
    if len(run.tasks) < 2:
        raise ConfigError(f"baseline: got a run of one task, {run.tasks[0].name!r}; want one of several tasks")
    names = tuple(tasks) or tuple(task.name for task in run.tasks)
    if JOINT in names:
        raise ConfigError(
            f"baseline: got a task called {JOINT!r}, the folder of the multi-task runs; want another name"
        )
    done = {}
    for name in names:
        single_run = single_task(run, name, match=match, samples_seen=samples_seen)
        done[name] = _train_one(single_run, name, folder, train_run, rates_of(run, search, lrs), log)
    return done


def _train_one(
    single_run: Run, name: str, folder: Path, train_run: TrainRun, lrs: tuple[float, ...], log: Callable[[str], None]
) -> Path:
    final = folder / name
    report = finished_report(final, single_run)
    if report is None and not final.exists():
        _search(single_run, name, folder, train_run, lrs, log)
    if report is None:
        report = train_candidate(_at(single_run, _chosen_lr(folder, name, single_run)), final, train_run)
    result = report.main(name)
    log(f"{name} alone: {result.metric} {result.value:.1f} {result.unit} on {result.source}".rstrip())
    return final


def _search(
    single_run: Run, name: str, folder: Path, train_run: TrainRun, lrs: tuple[float, ...], log: Callable[[str], None]
) -> None:
    """Trains at every learning rate, notes the best, and moves its folder to the place of the final one."""
    evaluated = any(source.role == "val" for source in single_run.sources)
    if len(lrs) == 1 or not evaluated:
        if not evaluated and len(lrs) > 1:
            log(f"{name} alone: no val rows to choose a learning rate by: {single_run.train.lr:g} is kept")
        _note_lr(folder, name, lrs[0] if len(lrs) == 1 else single_run.train.lr)
        return
    reports = {}
    for lr, candidate in grid(single_run, lrs).items():
        reports[lr] = train_candidate(candidate, folder / SEARCH / name / f"lr-{lr:g}", train_run)
        result = reports[lr].main(name)
        log(f"{name} alone, learning rate {lr:g}: {result.metric} {result.value:.1f} {result.unit} on val".rstrip())
    lr = best_lr(reports, name)
    _note_lr(folder, name, lr)
    # Training is done; only the evaluation on the test rows is left, in the folder that is compared.
    (folder / SEARCH / name / f"lr-{lr:g}").rename(folder / name)


def _note_lr(folder: Path, name: str, lr: float) -> None:
    path = folder / SEARCH / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"lr": lr}) + "\n")


def _chosen_lr(folder: Path, name: str, single_run: Run) -> float:
    path = folder / SEARCH / f"{name}.json"
    try:
        return float(read_json(path)["lr"])
    except FileNotFoundError:
        return single_run.train.lr
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the chosen learning rate") from error


def _at(run: Run, lr: float) -> Run:
    return dataclasses.replace(run, train=dataclasses.replace(run.train, lr=lr))


def _rows(run: Run) -> Mapping[str, int]:
    train = run.of_role("train")
    mixture = Mixture(train, run.schedule.bind(train, seed=run.train.seed), run.train.seed)
    return samples_per_source(mixture, run.train.steps)
