"""Checks of a balancer's numbers, and preferences of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import ConfigError, System, nearest


def check_positive(balancer: object, *fields: str) -> None:
    """Raises ConfigError for a field that is not above 0."""
    for name in fields:
        if not getattr(balancer, name) > 0:
            raise ConfigError(
                f"{type(balancer).__name__}.{name}: got {getattr(balancer, name)}; want a positive number"
            )


def check_not_negative(balancer: object, *fields: str) -> None:
    """Raises ConfigError for a field below 0."""
    for name in fields:
        if not getattr(balancer, name) >= 0:
            raise ConfigError(f"{type(balancer).__name__}.{name}: got {getattr(balancer, name)}; want 0 or more")


def check_share(balancer: object, *fields: str) -> None:
    """Raises ConfigError for a field that is not in 0 to 1."""
    for name in fields:
        if not 0 <= getattr(balancer, name) <= 1:
            raise ConfigError(f"{type(balancer).__name__}.{name}: got {getattr(balancer, name)}; want 0 to 1")


def check_preference(balancer: object, preference: Mapping[str, float]) -> None:
    """Raises ConfigError for a task whose preference is not above 0."""
    for task, value in preference.items():
        if not value > 0:
            raise ConfigError(f"{type(balancer).__name__}.preference: {task}: got {value}; want a positive number")


def check_tasks(balancer: object, names: Sequence[str], system: System) -> None:
    """Raises ConfigError for a name that is no task of the system."""
    for name in names:
        if name not in system.tasks:
            kind = type(balancer).__name__
            raise ConfigError(f"{kind}: got {name!r}, which is no task; {nearest(name, system.tasks)}")


def preferred(tasks: Sequence[str], live: Int[Tensor, "l"], preference: Mapping[str, float]) -> Float[Tensor, "l"]:
    """Returns the preferences of the tasks at hand, which add up to 1."""
    chosen = torch.tensor([preference.get(tasks[place], 1.0) for place in live.tolist()], dtype=torch.float64)
    return chosen / chosen.sum()


def of_tasks(preference: Mapping[str, float], tasks: Sequence[str]) -> dict[str, float]:
    """Returns the preferences of some tasks."""
    return {name: value for name, value in preference.items() if name in tasks}
