"""The single-task twin of every task: what joint training is compared with, made by the same code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Literal, TypeAlias

from motet.core import ConfigError, Report, nearest
from motet.data.mixture import Mixture
from motet.data.schedules import Exactly
from motet.data.sees import rows_seen
from motet.data.source import Source
from motet.train.run import Run

Budget: TypeAlias = Literal["rows", "steps"]


def single_task(run: Run, task: str, *, match: Budget = "rows", seen: Mapping[str, int] | None = None) -> Run:
    """The run that trains one task alone, on the same sources with the same numbers.

    With "rows" it takes exactly as many rows of each source as the multi-task run does, in batches of the same size and
    so in fewer steps; with "steps" it does as many steps, and sees its task more often. Learning rate, warm-up and
    decay keep their shape over its own steps; evaluations and checkpoints stand at the same shares of it.

    Args:
        run: the multi-task run.
        task: which task stays.
        match: what is equal.
        seen: rows by source that the run took (`Report.rows_seen`), where its schedule goes by results; without it the
            schedule is asked as if it saw none.

    Raises:
        ConfigError: a task that the run does not have, or of which it sees no row.
    """
    names = [known.name for known in run.tasks]
    if task not in names:
        raise ConfigError(f"single_task: got {task!r}, which is no task of the run; {nearest(task, names)}")
    sources = tuple(twin for source in run.sources if (twin := _only(source, task)) is not None)
    rows, batch_size = _budget(run, seen)
    own = {source.name: rows.get(source.name, 0) for source in sources if source.role == "train"}
    if not sum(own.values()):
        raise ConfigError(f"single_task: task {task!r}: got no row of it in the run; want at least one")
    if match == "steps":
        own = _scaled(own, run.plan.steps * batch_size)
    schedule = Exactly(rows=own, batch_size=batch_size)
    plan = dataclasses.replace(
        run.plan,
        steps=schedule.steps,
        evaluate_every=_as_often(run.plan.evaluate_every, run.plan.steps, schedule.steps),
        save_every=_as_often(run.plan.save_every, run.plan.steps, schedule.steps),
    )
    return dataclasses.replace(run, sources=sources, schedule=schedule, plan=plan, expect={})


def grid(run: Run, lrs: Sequence[float]) -> dict[float, Run]:
    """The run at several learning rates, each without its test sources: they are chosen between by `best_lr`, on val.

    Raises:
        ConfigError: no rate, or no val source to choose by.
    """
    if not lrs:
        raise ConfigError("grid: lrs: got none; want at least one learning rate")
    sources = tuple(source for source in run.sources if source.role != "test")
    if all(source.role != "val" for source in sources):
        raise ConfigError("grid: got a run without sources of role 'val'; want one to choose a learning rate by")
    return {
        lr: dataclasses.replace(run, sources=sources, plan=dataclasses.replace(run.plan, lr=lr), expect={})
        for lr in lrs
    }


def best_lr(reports: Mapping[float, Report], task: str) -> float:
    """The learning rate whose val report is best by the task's main metric; the lowest of several that are.

    Raises:
        ConfigError: a report that is not of val sources: nothing is chosen on test.
    """
    for lr, report in reports.items():
        if report.role != "val":
            raise ConfigError(f"best_lr: learning rate {lr}: got a report of {report.role!r} sources; want 'val'")
    results = {lr: reports[lr].main(task) for lr in sorted(reports)}
    return max(results, key=lambda lr: results[lr].value * (1 if results[lr].higher_is_better else -1))


def _only(source: Source, task: str) -> Source | None:
    kept = tuple(known for known in source.tasks if known.name == task)
    return dataclasses.replace(source, tasks=kept) if kept else None


def _budget(run: Run, seen: Mapping[str, int] | None) -> tuple[Mapping[str, int], int]:
    """Rows by source over the run, and rows of a step."""
    train = run.of_role("train")
    mixture = Mixture(train, run.schedule.bind(train, seed=run.plan.seed), run.plan.seed)
    rows = rows_seen(mixture, run.plan.steps) if seen is None else seen
    for index in range(run.plan.steps):
        step = mixture.schedule.step(index, 1)
        if size := sum(sum(batch.values()) for batches in step.batches for batch in batches):
            return rows, size
    raise ConfigError("single_task: got a run in which no step has a row; want at least one")


def _scaled(rows: Mapping[str, int], total: int) -> dict[str, int]:
    """The same proportions at another sum, exactly."""
    whole = sum(rows.values())
    ends = [round(end * total / whole) for end in accumulate(rows.values())]
    return {name: end - start for name, start, end in zip(rows, [0, *ends], ends, strict=False)}


def _as_often(every: int, steps: int, twin_steps: int) -> int:
    return max(1, round(every * twin_steps / steps)) if every else 0
