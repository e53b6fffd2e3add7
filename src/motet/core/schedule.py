"""The protocol of schedules: batches of a step as a pure function of (seed, step, observed results) on all ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from motet.core.report import Report


@dataclass(frozen=True)
class Step:
    """One iteration of the schedule; the learning rate advances once per step.

    Args:
        batches: for each rank its batches, each a mapping from source name to number of rows.
        update: "joint": one optimiser update for all batches; "each": one after each batch (12-in-1). A step without
            batches makes no update and advances nothing.
    """

    batches: tuple[tuple[Mapping[str, int], ...], ...]
    update: Literal["joint", "each"] = "joint"


@dataclass(frozen=True, kw_only=True)
class UpdateForm:
    """The batches of one optimiser update; a baseline or a group of tasks is trained in batches of the same form.

    Args:
        batch_sizes: rows per batch, by source.
        batches: per update, over all ranks.
        mixed: True where a batch has rows of several sources.
    """

    batch_sizes: Mapping[str, int]
    batches: int = 1
    mixed: bool = False


class Schedule(Protocol):
    """Chooses the sources and numbers of rows of every step."""

    def update_form(self) -> UpdateForm:
        """Returns the form of the updates, the same for all steps."""
        ...

    def step(self, index: int, world: int) -> Step:
        """Returns step `index` (from 0) of a run on `world` ranks."""
        ...

    def due(self, index: int) -> tuple[str, ...]:
        """Returns the tasks to evaluate on their validation sources after `index` steps are done."""
        ...

    def observe(self, report: Report) -> None:
        """Takes in results, merged over ranks, possibly of some tasks. Raises ConfigError on an unknown task or NaN."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Returns the observed results as JSON values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a saved state."""
        ...


@runtime_checkable
class HasTaskStatus(Protocol):
    """A schedule under which tasks change their status; the log and the report show when."""

    def task_status(self, index: int) -> Mapping[str, str]:
        """Returns the status of each task in step `index` in one word ("go", "stop", "wait")."""
        ...
