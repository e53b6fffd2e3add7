"""One training run with affinities measured in it, and its cost beside that of the grid of pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.analysis.groups import Change, GroupChanges
from motet.analysis.task_affinity import TaskAffinity
from motet.core import CheckpointError
from motet.core.model_folder import step_folder, steps_in
from motet.core.regular_files import read_json
from motet.experiments.group_grid import group_study
from motet.training.balancers.measured import MeasuredAffinity
from motet.training.checkpoint import balancer_state
from motet.training.run import Run

FOLDER = "measured"
"""The folder of the run that was measured, in that of the analysis."""
_STEP_PASSES = 3


def measured_run(run: Run, *, every: int = 10, lr: float | None = None) -> Run:
    """Returns the run with affinities measured in it, without its test sources: a grouping is a choice.

    Args:
        run: of several tasks.
        every: updates between two measurements.
        lr: length of the step ahead; the run's learning rate by default.

    Raises:
        ConfigError: a number that is not positive.
    """
    step = run.train.lr if lr is None else lr
    sources = tuple(source for source in run.sources if source.role != "test")
    return dataclasses.replace(
        run, sources=sources, balancer=MeasuredAffinity(run.balancer, every=every, lr=step), expect={}
    )


def affinity_of(folder: Path, tasks: Sequence[str]) -> TaskAffinity:
    """Reads the affinities that a measured run has in its last checkpoint.

    Raises:
        CheckpointError: no checkpoint.
        ConfigError: nothing was measured.
    """
    steps = steps_in(folder)
    if not steps:
        raise CheckpointError(f"{folder}: got no checkpoint; want the run that was measured")
    return TaskAffinity.of_state(tasks, balancer_state(step_folder(folder, steps[-1])))


def grid_steps(run: Run, groups: Mapping[str, Sequence[str]], *, seeds: int) -> int:
    """Returns the training steps of the grid: every group alone and every pair, once per seed."""
    study = group_study(run, groups, role="val", seeds=range(seeds))
    return seeds * sum(cell.train.steps for cell in study.cells.values())


def measured_steps(found: TaskAffinity, run: Run) -> float:
    """Returns the cost of a measured run in training steps: its own, and passes of the measurements thrice as cheap."""
    return run.train.steps + found.passes / _STEP_PASSES


def saved_changes(folder: Path) -> tuple[GroupChanges, dict[str, tuple[str, ...]], int]:
    """Reads the changes, the groups and the number of seeds that `motet analyse groups RECIPE` wrote.

    Raises:
        CheckpointError: no such file, or another one.
    """
    path = folder / "groups.json"
    try:
        data: dict[str, Any] = read_json(path)
        changes = {
            (str(one["group"]), tuple(one["with"])): Change({int(seed): float(v) for seed, v in one["by_seed"].items()})
            for one in data["changes"]
        }
        groups = {str(name): tuple(tasks) for name, tasks in data["groups"].items()}
        seeds = max((len(change.by_seed) for change in changes.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path}: got {error}; want the file that `motet analyse groups RECIPE` writes"
        ) from error
    return GroupChanges(names=tuple(groups), changes=changes), groups, seeds
