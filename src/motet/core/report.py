"""One number and where it comes from; and a run's numbers together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


def decimals(unit: str) -> int:
    """With how many decimals a number in a unit is shown: rooms and streets differ by hundredths of a metre."""
    return 2 if unit == "m" else 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """One number.

    Args:
        task: the task's name.
        source: the source it was measured on.
        metric: "accuracy", "cider", ...
        value: in `unit`.
        unit: "%", "deg", ...
        higher_is_better: the direction.
        count: rows it rests on.
        num_images: different images it rests on; 0 for text-only rows.
        low: lower end of the 95 % bootstrap interval over images; None when not asked for.
        high: upper end.
        main: whether it is the task's main metric.
        classes: of a main number that is made of classes, each one's own by its name; None for one without a truth.
    """

    task: str
    source: str
    metric: str
    value: float
    unit: str
    higher_is_better: bool
    count: int
    num_images: int = 0
    low: float | None = None
    high: float | None = None
    main: bool = True
    classes: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Results of one evaluation, with the floors a score must beat.

    Args:
        step: optimiser steps done when it was measured.
        role: "val" or "test".
        results: in the order of the tasks.
        floors: what an answer without understanding scores on the main metric: task -> floor name -> value.
        samples_seen: training rows taken, by source, up to this step.
        notes: one-line remarks (rows skipped, answers that are no name, sets too small for a claim).
    """

    step: int = 0
    role: str = "val"
    results: tuple[Result, ...] = ()
    trivial_baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    samples_seen: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def main(self, task: str) -> Result:
        """The main result of a task.

        Raises:
            KeyError: the report has none.
        """
        for result in self.results:
            if result.task == task and result.main:
                return result
        raise KeyError(f"report of step {self.step}: got tasks {sorted({r.task for r in self.results})}; want {task!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as `report.json` holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The report that `to_dict` was called on."""
        fields = dict(data)
        fields["results"] = tuple(Result(**result) for result in fields["results"])
        fields["notes"] = tuple(fields.get("notes", ()))
        return cls(**fields)
