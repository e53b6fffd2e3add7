"""Assignment of a recipe's tasks to systems."""

from __future__ import annotations

from collections.abc import Sequence

from motet.scaffold.task_plan import TaskPlan
from motet.systems import SYSTEMS
from motet.systems.base.suggestion import Suggestion

RUN = "run"
"""Name of the recipe's only function, or of the first if there are several models."""


def suggestions() -> tuple[Suggestion, ...]:
    """Returns the suggestions of the systems that have one, in the order of `SYSTEMS`."""
    found = (getattr(config, "suggestion", None) for config in SYSTEMS)
    return tuple(one for one in found if one is not None)


def assign(plans: Sequence[TaskPlan]) -> dict[str, tuple[Suggestion, tuple[TaskPlan, ...]]]:
    """Returns the system and tasks of each function of the recipe, each task once; one model if one supports all tasks.

    The first system with a task of its own kinds gets all tasks if it supports the others too; otherwise only those of
    its own kinds, and the others are assigned again. Tasks of no system's own kinds go to the last system.
    """
    *specific, general = suggestions()
    for suggestion in specific:
        own = tuple(plan for plan in plans if plan.kind in suggestion.own)
        others = tuple(plan for plan in plans if plan.kind not in suggestion.own)
        if own and suggestion.takes_along([plan.kind for plan in others]):
            return {RUN: (suggestion, tuple(plans))}
        if own:
            return assign(others) | {suggestion.name: (suggestion, own)}
    return {RUN: (general, tuple(plans))}
