"""Single-task baselines: a multi-task run restricted to one or some of its tasks, to compare joint training with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from motet.core import ConfigError, Report, UpdateForm, nearest
from motet.data.exposure import samples_per_source
from motet.data.mixture import Mixture
from motet.data.schedules import Exactly
from motet.data.source import Source
from motet.training.run import Run, TaskSubset

T = TypeVar("T")


def single_task(run: Run, task: str, *, steps: int | None = None, samples_seen: Mapping[str, int] | None = None) -> Run:
    """Returns the single-task baseline of one task: a run on the same sources with the same train config.

    Without `steps` it takes exactly as many samples of each source as the multi-task run, in batches of the same size
    (`UpdateForm`) and therefore in fewer steps. With `steps` it takes so many, and its sources in the same proportions.
    Learning rate, warm-up and decay keep their shape over its own steps; evaluations and checkpoints keep their
    share of them.

    Args:
        run: the multi-task run.
        task: the task to train.
        steps: of the baseline; by default those of equal rows.
        samples_seen: samples by source that the run took (`Report.samples_seen`), for a schedule that depends on
            results; without it they are counted from the schedule as if there were no results.

    Raises:
        ConfigError: a task that the run does not have, or of which it takes no row.
    """
    names = _known(run, (task,), "single_task")
    sources = _sources(run, names)
    rows, form = rows_and_form(run, samples_seen)
    own = {source.name: rows.get(source.name, 0) for source in sources if source.role == "train"}
    if not sum(own.values()):
        raise ConfigError(f"single_task: task {task!r}: got no row of it in the run; want at least one")
    if steps is not None:
        own = _rows_in(steps, own, form)
    schedule = _exactly(own, form)
    return _restricted(
        dataclasses.replace(run, schedule=schedule, train=run.train.at_length(schedule.steps)), names, sources
    )


def some_tasks(run: Run, tasks: Sequence[str], *, samples_seen: Mapping[str, int] | None = None) -> Run:
    """Returns the run on some of its tasks, each with the same rows in the same order as in the whole run.

    A schedule that can be restricted (`TaskSubset`, such as `RoundRobin`) keeps its iterations, and fewer sources have
    a batch in each. For any other, the rows that the run takes of each source are counted and taken exactly
    (`Exactly`), in updates of the run's form (`UpdateForm`) and therefore in fewer steps: each source in batches of its
    own size, and of one source each where the run's are. Learning rate, warm-up and decay keep their shape over the
    steps that are left.

    Args:
        run: the multi-task run.
        tasks: the tasks to train.
        samples_seen: samples by source that the run took, if known; see `single_task`.

    Raises:
        ConfigError: no task, one that the run does not have, or of which it takes no row.
    """
    names = _known(run, tasks, "some_tasks")
    sources = _sources(run, names)
    if isinstance(run.schedule, TaskSubset):
        return _restricted(run, names, sources)
    rows, form = rows_and_form(run, samples_seen)
    own = {source.name: rows.get(source.name, 0) for source in sources if source.role == "train"}
    for name in names:
        if not sum(own[source.name] for source in sources if source.role == "train" and _has(source, name)):
            raise ConfigError(f"some_tasks: task {name!r}: got no row of it in the run; want at least one")
    schedule = _exactly(own, form)
    return _restricted(
        dataclasses.replace(run, schedule=schedule, train=run.train.at_length(schedule.steps)), names, sources
    )


def grid(run: Run, lrs: Sequence[float]) -> dict[float, Run]:
    """Returns the run at several learning rates, without its test sources; `best_lr` chooses one on the val sources.

    Raises:
        ConfigError: no learning rate, or no val source to choose by.
    """
    if not lrs:
        raise ConfigError("grid: lrs: got none; want at least one learning rate")
    sources = tuple(source for source in run.sources if source.role != "test")
    if all(source.role != "val" for source in sources):
        raise ConfigError("grid: got a run without sources of role 'val'; want one to choose a learning rate by")
    return {
        lr: dataclasses.replace(run, sources=sources, train=dataclasses.replace(run.train, lr=lr), expect={})
        for lr in lrs
    }


def best_lr(reports: Mapping[float, Report], task: str) -> float:
    """Returns the learning rate with the best val report by the task's main metric; of equal ones the lowest.

    Raises:
        ConfigError: a report that is not of val sources: nothing is chosen on test.
    """
    for lr, report in reports.items():
        if report.role != "val":
            raise ConfigError(f"best_lr: learning rate {lr}: got a report of {report.role!r} sources; want 'val'")
    results = {lr: reports[lr].main(task) for lr in sorted(reports)}
    return max(results, key=lambda lr: results[lr].value * (1 if results[lr].higher_is_better else -1))


def _known(run: Run, tasks: Sequence[str], what: str) -> tuple[str, ...]:
    """Returns the tasks in the order of the run, each once."""
    names = [known.name for known in run.tasks]
    for task in tasks:
        if task not in names:
            raise ConfigError(f"{what}: got {task!r}, which is no task of the run; {nearest(task, names)}")
    if not tasks:
        raise ConfigError(f"{what}: got no task; want at least one of {', '.join(names)}")
    return tuple(name for name in names if name in tasks)


def _has(source: Source, task: str) -> bool:
    return any(known.name == task for known in source.tasks)


def _sources(run: Run, tasks: Sequence[str]) -> tuple[Source, ...]:
    """Returns the sources of some tasks, without their other tasks."""
    selected = ((source, tuple(task for task in source.tasks if task.name in tasks)) for source in run.sources)
    return tuple(dataclasses.replace(source, tasks=own) for source, own in selected if own)


def _restricted(run: Run, tasks: Sequence[str], sources: tuple[Source, ...]) -> Run:
    """Returns the run on these sources; parts with values per task or per source are restricted too."""
    trained = [source.name for source in sources if source.role == "train"]

    def of(part: T) -> T:
        return part.restrict(tasks, trained) if isinstance(part, TaskSubset) else part

    return dataclasses.replace(
        run,
        sources=sources,
        system=of(run.system),
        schedule=of(run.schedule),
        balancer=of(run.balancer),
        expect={},
    )


def rows_and_form(run: Run, samples_seen: Mapping[str, int] | None) -> tuple[Mapping[str, int], UpdateForm]:
    """Returns the rows that the run takes of each source, and the form of its updates."""
    train = run.of_role("train")
    schedule = run.schedule.bind(train, seed=run.train.seed)
    if samples_seen is not None:
        return samples_seen, schedule.update_form()
    return samples_per_source(Mixture(train, schedule, run.train.seed), run.train.steps), schedule.update_form()


def _exactly(rows: Mapping[str, int], form: UpdateForm) -> Exactly:
    """Returns the schedule of these rows in updates of this form."""
    first, *others = sizes = [form.batch_sizes[name] for name in rows]
    if form.batches == 1 and (form.mixed or not others):
        return Exactly(rows=rows, batch_size=first)
    own = {} if len(set(sizes)) == 1 else dict(zip(rows, sizes, strict=True))
    return Exactly(rows=rows, batch_size=first, batch_sizes=own, whole_batches=True, batches=form.batches)


def _rows_in(steps: int, rows: Mapping[str, int], form: UpdateForm) -> dict[str, int]:
    """Returns the rows of each source that make so many updates, in the proportions of `rows`."""
    sizes = {name: 1 if form.mixed else form.batch_sizes[name] for name in rows}
    total = steps * (max(form.batch_sizes[name] for name in rows) if form.mixed else form.batches)
    ends = list(accumulate(count / sizes[name] for name, count in rows.items()))
    places = [round(end * total / ends[-1]) for end in ends]
    return {name: (end - start) * sizes[name] for name, start, end in zip(rows, [0, *places], places, strict=False)}
