"""12-in-1's tables 2 and 6 at laptop scale, on scenes: twelve tasks in four groups.

    motet study studies/twelve_in_one_tables.py --on local:2 --table docs/results/twelve_in_one_tables.md

Table 2: one model per task, one per group, one model for all, that one without verification, and models a task that
start from it. Table 6: the model for all without stop-and-go, without a token a task, with a token a head, and with
tasks that join the group that learns fastest, or the one that learns slowest.

Every task has as many iterations in every run: each is a batch of its own rows.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from motet.data.stop_and_go import StopAndGo
from motet.experiments.study import Study
from motet.recipes.twelve_in_one import GROUPS, ROUNDS, TWELVE, rounds, small, world
from motet.scenes import SceneBoxes
from motet.training.run import From, Run

ITERATIONS, FINE_TUNED = ROUNDS, 50
ALL, STOP = "all-tasks", StopAndGo()
WITHOUT = tuple(task for task in TWELVE if task not in GROUPS["verification"])
# Section 3.3: a curriculum begins with the group that converges fastest, an anti-curriculum with the slowest.
CURRICULUM = (tuple(GROUPS["referring"]),)
ANTI = (tuple(GROUPS["questions"]),)


def study() -> Study:
    """Single models, groups, all, fine-tuned from all; what table 6 changes; three seeds."""
    return Study(
        name="twelve_in_one_tables",
        cells={
            **{f"single-task/{task}": alone(task) for task in TWELVE},
            **{f"group-tasks/{name}": world(tasks, steps=ITERATIONS) for name, tasks in GROUPS.items()},
            ALL: together(),
            "all-tasks, no stop-and-go": together(stop=None),
            "all but verification": together(WITHOUT),
            "all-tasks, no task token": together(token="none"),
            "all-tasks, a token a head": together(token="head"),
            "all-tasks, curriculum": together(first=CURRICULUM),
            "all-tasks, anti-curriculum": together(first=ANTI),
            **{f"fine-tuned from all/{task}": tuned(task) for task in TWELVE},
        },
        seeds=(0, 1, 2),
        minutes=10,
        about="Scenes of the embedded world (a test bed, not real data); boxes as a detector would find them, read "
        "from a frozen EfficientNet-Lite0's map.",
        starts={f"fine-tuned from all/{task}": ALL for task in TWELVE},
    )


def alone(task: str) -> Run:
    """A model of its own."""
    return world((task,), steps=ITERATIONS)


def together(
    requested: tuple[str, ...] = TWELVE,
    *,
    stop: StopAndGo | None = STOP,
    token: str = "task",
    first: tuple[tuple[str, ...], ...] = (),
) -> Run:
    """One model for many tasks.

    Args:
        asked: of `TWELVE`.
        stop: when a task stops and goes.
        token: what a row stands for behind [CLS].
        first: groups that begin.
    """
    schedule = dataclasses.replace(rounds(requested, stop), first=first)
    return world(
        requested,
        steps=ITERATIONS,
        system=dataclasses.replace(small(regions=SceneBoxes()), task_token=token),
        schedule=schedule,
    )


def tuned(task: str) -> Run:
    """A model of its own that starts from the one for all."""
    run = world((task,), steps=FINE_TUNED)
    return dataclasses.replace(
        run, train=dataclasses.replace(run.train, lr=run.train.lr / 3), start=From(Path("of the study"))
    )
