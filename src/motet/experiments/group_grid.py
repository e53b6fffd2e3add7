"""A study that measures which groups of tasks help each other: one cell per group, pair and triple."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from motet.analysis.groups import Change, GroupChanges, Members, trained_together
from motet.core import ConfigError, Report, nearest
from motet.experiments.single_task import some_tasks
from motet.experiments.study import FinishedCell, Study
from motet.report.compare import delta_m, relative_delta
from motet.training.run import Run

CELLS = "cells"
"""The folder of the runs, in that of the analysis."""
_JOIN = "+"


def groups_of(
    run: Run,
    named: Mapping[str, Sequence[str]] | None = None,
    *,
    representatives: Mapping[str, str] | None = None,
    one_each: bool = False,
) -> dict[str, tuple[str, ...]]:
    """Returns the groups of a run's tasks, by name.

    Args:
        run: whose tasks.
        named: the groups and their tasks; what is in none is left out. By default each task's `category` is its group,
            and a task without one is a group by itself.
        representatives: a group -> the only task of it that is trained, as the paper does.
        one_each: of every other group too only one task is trained: its first.

    Raises:
        ConfigError: fewer than two groups, a task that the run does not have or that is in two groups, a representative
            that is not of its group, or a name that cannot be that of a file.
    """
    groups = _by_category(run) if not named else {name: tuple(tasks) for name, tasks in named.items()}
    _check(run, groups)
    chosen = dict(representatives or {})
    for name, task in chosen.items():
        if name not in groups:
            raise ConfigError(f"representative {name}={task}: got no group {name!r}; {nearest(name, groups)}")
        if task not in groups[name]:
            raise ConfigError(f"representative {name}={task}: got no task of the group; {nearest(task, groups[name])}")
    if one_each:
        chosen = {name: tasks[0] for name, tasks in groups.items()} | chosen
    return {name: (chosen[name],) if name in chosen else tasks for name, tasks in groups.items()}


def group_study(
    run: Run,
    groups: Mapping[str, Sequence[str]],
    *,
    triples: bool = False,
    seeds: Sequence[int] = (0, 1, 2),
    minutes: float = float("inf"),
    role: Literal["val", "test"] = "val",
) -> Study:
    """Returns the study: one cell per group, per pair of groups and, with `triples`, per triple.

    Each task is trained on the same rows in every cell, by `motet.experiments.single_task.some_tasks`; all else is the
    run's.

    Args:
        run: the multi-task run.
        groups: tasks by group.
        triples: also every three groups.
        seeds: every cell is run once with each.
        minutes: a run that takes longer is stopped and counted as failed.
        role: the rows that are evaluated. A grouping is a choice, and choices are made on "val"; "test" is for a table.

    Raises:
        ConfigError: a task without sources of that role.
    """
    without_test = dataclasses.replace(run, sources=tuple(s for s in run.sources if role == "test" or s.role != "test"))
    evaluated = {task.name for source in run.of_role(role) for task in source.tasks}
    for name, tasks in groups.items():
        if missing := [task for task in tasks if task not in evaluated]:
            raise ConfigError(
                f"group {name!r}: task {missing[0]!r}: got no source of role {role!r}; want one with that task"
            )
    cells = {cell_of(members): members for members in trained_together(tuple(groups), triples=triples)}
    return Study(
        name=CELLS,
        cells={
            cell: some_tasks(without_test, [task for name in members for task in groups[name]])
            for cell, members in cells.items()
        },
        seeds=tuple(seeds),
        minutes=minutes,
    )


def cell_of(members: Members) -> str:
    """Returns the name of the cell that trains some groups together.

    Examples:
        >>> cell_of(("questions", "referring"))
        'questions+referring'
    """
    return _JOIN.join(members)


def changes_of(done: Sequence[FinishedCell], groups: Mapping[str, Sequence[str]]) -> GroupChanges:
    """Returns the change of every group in every finished run of several groups, relative to its run of the same seed.

    A group's change is the mean of its tasks' relative differences in their main metrics, as in `motet.report.delta_m`:
    the better way up whatever the metric's direction, every task counting the same. For one task it is the entry of the
    paper's table.

    Raises:
        ConfigError: a report without a result of one of its tasks.

    Source: Lu et al. 2020 (arXiv 1912.02315), table 3.
    """
    names = tuple(groups)
    reports = {(one.cell, one.seed): one.report for one in done if one.report is not None}
    seeds = sorted({seed for _, seed in reports})
    found = {}
    for members in trained_together(names, triples=True):
        for name in members if len(members) > 1 else ():
            deltas = {
                seed: delta
                for seed in seeds
                if (joint := reports.get((cell_of(members), seed))) is not None
                and (alone := reports.get((name, seed))) is not None
                and (delta := _delta_m(joint, alone, groups[name])) is not None
            }
            if deltas:
                found[name, tuple(other for other in members if other != name)] = Change(deltas)
    return GroupChanges(names=names, changes=found)


def _delta_m(joint: Report, alone: Report, tasks: Sequence[str]) -> float | None:
    deltas = []
    for task in tasks:
        try:
            with_others, by_itself = joint.main(task), alone.main(task)
        except KeyError as error:
            raise ConfigError(f"groups: {error.args[0]}") from error
        deltas.append(relative_delta(with_others.value, by_itself.value, by_itself.higher_is_better))
    return delta_m(deltas)


def _by_category(run: Run) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for task in run.tasks:
        name = task.category or task.name
        found[name] = (*found.get(name, ()), task.name)
    return found


def _check(run: Run, groups: Mapping[str, Sequence[str]]) -> None:
    known = [task.name for task in run.tasks]
    if len(groups) < 2:
        raise ConfigError(
            f"groups: got {len(groups)} ({', '.join(groups)}); want two or more: name them, --group NAME=task,task"
        )
    first: dict[str, str] = {}
    for name, tasks in groups.items():
        if not tasks:
            raise ConfigError(f"group {name!r}: got no task; want at least one")
        if not name or name[0] in ". " or any(not (c.isalnum() or c in "-_. ") for c in name):
            raise ConfigError(f"group {name!r}: got that name; want only letters, digits, '-', '_', '.'")
        for task in tasks:
            if task not in known:
                raise ConfigError(f"group {name!r}: got {task!r}, which is no task of the run; {nearest(task, known)}")
            if first.setdefault(task, name) != name or list(tasks).count(task) > 1:
                raise ConfigError(f"group {name!r}: got {task!r}, which is in {first[task]!r}; want every task once")
