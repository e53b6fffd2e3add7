"""Which rows feed a step: a pure function of (seed, step, what was observed), the same on every rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from motet.core.report import Report


@dataclass(frozen=True)
class Step:
    """One iteration of the schedule; the learning rate advances once a step.

    Args:
        batches: for each rank its batches, each a mapping from source name to rows.
        update: "joint": one optimiser update of all; "each": one after each batch (12-in-1). No batch at all: a step in
            which nothing may run, which advances nothing.
    """

    batches: tuple[tuple[Mapping[str, int], ...], ...]
    update: Literal["joint", "each"] = "joint"


class Schedule(Protocol):
    """Decides what every step is made of."""

    def step(self, index: int, world: int) -> Step:
        """Step `index` (from 0) of a run on `world` ranks."""
        ...

    def due(self, index: int) -> tuple[str, ...]:
        """Tasks to evaluate on their validation sources after `index` steps are done."""
        ...

    def observe(self, report: Report) -> None:
        """Reads results, merged over ranks and perhaps partial. Raises ConfigError on an unknown task or NaN."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What was observed, as plain data."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""
        ...


@runtime_checkable
class HasTaskStatus(Protocol):
    """A schedule under which tasks change what they do; the log and the report say when."""

    def task_status(self, index: int) -> Mapping[str, str]:
        """What each task does in step `index`, in a word ("go", "stop", "wait")."""
        ...
