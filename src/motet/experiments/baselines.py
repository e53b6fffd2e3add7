"""Training of the single-task baselines of a multi-task run, with a search of their learning rates."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import assert_never

import torch

from motet.core import CheckpointError, ConfigError
from motet.core.regular_files import read_json
from motet.core.whole_files import write_whole
from motet.data.exposure import samples_per_source
from motet.data.mixture import Mixture
from motet.experiments.compute import steps_of_equal_compute
from motet.experiments.lr_search import JOINT, SEARCH, Search, TrainRun, finished_report, rates_of, train_candidate
from motet.experiments.plateau import PlateauRule, check_has_val, find_length
from motet.experiments.single_task import best_lr, grid, single_task
from motet.report.budget import BaselineBudget, Budget, write_budget
from motet.training.run import Run

PLATEAU = PlateauRule()


@dataclass(frozen=True, kw_only=True)
class TaskBudget:
    """The length of a task's single-task baseline beside what the multi-task run has of the task.

    Args:
        task: its name.
        rows: samples that the multi-task run takes of its sources.
        single_rows: samples of the baseline.
        single_steps: its steps.
        at_most: whether the length is found in training and these numbers are the most; "plateau" only.
        probe_steps: the most steps, besides, of the run that finds the length.
    """

    task: str
    rows: int
    single_rows: int
    single_steps: int
    at_most: bool = False
    probe_steps: int = 0


def task_budgets(
    run: Run,
    tasks: Sequence[str],
    match: Budget,
    *,
    samples_seen: Mapping[str, int] | None = None,
    plateau: PlateauRule = PLATEAU,
    device: torch.device | str = "cpu",
) -> tuple[TaskBudget, ...]:
    """Returns the length of every task's single-task baseline before it is trained.

    Args:
        run: the multi-task run.
        tasks: names.
        match: the budget.
        samples_seen: samples by source that the run took, if known.
        plateau: the rule of the budget "plateau".
        device: that compute is counted on.

    Raises:
        ConfigError: "plateau" for a task without val rows.
    """
    found = []
    for task in tasks:
        at_equal_rows = single_task(run, task, samples_seen=samples_seen)
        single_run, probe = at_equal_rows, 0
        match match:
            case "rows":
                pass
            case "steps":
                single_run = single_task(run, task, steps=run.train.steps, samples_seen=samples_seen)
            case "compute":
                steps = steps_of_equal_compute(run, task, samples_seen=samples_seen, device=device)
                single_run = single_task(run, task, steps=steps, samples_seen=samples_seen)
            case "plateau":
                check_has_val(run, task)
                probe = plateau.lengths(at_equal_rows.train.steps, run.train.steps)[-1]
                single_run = single_task(run, task, steps=probe, samples_seen=samples_seen)
            case never:
                assert_never(never)
        found.append(
            TaskBudget(
                task=task,
                rows=sum(_rows(at_equal_rows).values()),
                single_rows=sum(_rows(single_run).values()),
                single_steps=single_run.train.steps,
                at_most=match == "plateau",
                probe_steps=probe,
            )
        )
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
    plateau: PlateauRule = PLATEAU,
    device: torch.device | str = "cpu",
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
        match: the budget: as many samples of the task as the run ("rows"), as many steps, the compute of the whole
            run, or training until the score on val stops rising ("plateau").
        search: "lr" tries a third, one and three times the run's learning rate; "none" keeps it.
        lrs: the learning rates to choose between, instead.
        samples_seen: samples by source that the run took, if known.
        plateau: the rule of the budget "plateau".
        device: that compute is counted on.
        log: called with one line per task.

    Raises:
        ConfigError: a task that the run does not have, "plateau" for one without val rows, or a run of one task, which
            is its own baseline.
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
        single_run, budget = baseline_run(
            run,
            name,
            folder,
            train_run=train_run,
            match=match,
            samples_seen=samples_seen,
            plateau=plateau,
            device=device,
            log=log,
        )
        done[name] = _train_one(single_run, name, folder, train_run, rates_of(run, search, lrs), log)
        write_budget(done[name], budget)
    return done


def baseline_run(
    run: Run,
    task: str,
    folder: Path,
    *,
    train_run: TrainRun,
    match: Budget,
    samples_seen: Mapping[str, int] | None = None,
    plateau: PlateauRule = PLATEAU,
    device: torch.device | str = "cpu",
    log: Callable[[str], None],
) -> tuple[Run, BaselineBudget]:
    """Returns the single-task baseline of a task at the run's own learning rate, with its budget.

    Its length is read from `folder` where an earlier call has found it; else compute is counted here, and for
    "plateau" the task is trained until its score stops rising. See `train_baselines` for the arguments.
    """
    budget, steps = BaselineBudget(match), None
    match match:
        case "rows":
            pass
        case "steps":
            steps = run.train.steps
        case "compute":
            steps = _noted_steps(
                folder / SEARCH / task / "compute.json",
                partial(steps_of_equal_compute, run, task, samples_seen=samples_seen, device=device),
            )
        case "plateau":
            length = find_length(
                run,
                task,
                folder / SEARCH / task,
                train_run=train_run,
                plateau=plateau,
                samples_seen=samples_seen,
                log=log,
            )
            budget, steps = BaselineBudget(match, length.still_rises), length.steps
        case never:
            assert_never(never)
    return single_task(run, task, steps=steps, samples_seen=samples_seen), budget


def _noted_steps(path: Path, count: Callable[[], int]) -> int:
    """Returns a number of steps that an earlier call has counted; counted operations may differ between devices."""
    try:
        return int(read_json(path)["steps"])
    except FileNotFoundError:
        steps = count()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want the steps of a baseline") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"steps": steps}) + "\n")
    return steps


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
        reports[lr] = train_candidate(candidate, candidate_folder(folder, name, lr), train_run)
        result = reports[lr].main(name)
        log(f"{name} alone, learning rate {lr:g}: {result.metric} {result.value:.1f} {result.unit} on val".rstrip())
    lr = best_lr(reports, name)
    _note_lr(folder, name, lr)
    # Training is done; only the evaluation on the test rows is left, in the folder that is compared.
    candidate_folder(folder, name, lr).rename(folder / name)


def candidate_folder(folder: Path, task: str, lr: float) -> Path:
    """Returns the folder of the search's run of a task, or of the multi-task run, at a learning rate."""
    return folder / SEARCH / task / f"lr-{lr:g}"


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
