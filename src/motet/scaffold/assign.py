"""The choice of a system for each task of a recipe."""

from __future__ import annotations

from collections.abc import Sequence

from motet.scaffold.task_plan import TaskPlan
from motet.systems import SYSTEMS
from motet.systems.base.suggestion import Suggestion

RUN = "run"
"""The function of a recipe of one model, and of the first of several."""


def suggestions() -> tuple[Suggestion, ...]:
    """Returns what the systems suggest, in the order of `SYSTEMS`; some suggest nothing."""
    found = (getattr(config, "suggestion", None) for config in SYSTEMS)
    return tuple(one for one in found if one is not None)


def assign(plans: Sequence[TaskPlan]) -> dict[str, tuple[Suggestion, tuple[TaskPlan, ...]]]:
    """Returns per function of the recipe its system and tasks, each task once: one model where one can answer them all.

    The first system with a task of its own kinds takes everything where it takes the rest along; otherwise it takes its
    own kinds only, and the rest is assigned again. What no system has of its own goes to the last one.
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
