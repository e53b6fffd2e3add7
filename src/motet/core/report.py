"""The results of an evaluation: one `Result` per task, source and metric, together in a `Report`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from motet.core.field_types import wrong_field

_T = TypeVar("_T")


def decimals(unit: str) -> int:
    """Returns the number of decimals shown for a unit: two for metres, since depths differ by hundredths of a metre."""
    return 2 if unit == "m" else 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """The value of one metric for one task on one source.

    Args:
        task: the task's name.
        source: the source it was evaluated on.
        metric: "accuracy", "cider", ...
        value: in `unit`.
        unit: "%", "deg", ...
        higher_is_better: the direction.
        count: number of evaluated rows.
        num_images: number of different images among them; 0 for text-only rows.
        low: lower end of the 95 % bootstrap interval over images; None if it was not computed.
        high: upper end.
        main: whether it is the task's main metric.
        classes: for a main metric that is a mean over classes, the value per class name; None for a class without an
            annotation.
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
    """Results of one evaluation, with the trivial baselines a score must beat.

    Args:
        step: optimiser steps done before the evaluation.
        role: "val" or "test".
        results: in the order of the tasks.
        trivial_baselines: main metric of trivial predictions: task -> name of the baseline -> value.
        samples_seen: training samples seen up to this step, by source.
        notes: one-line remarks (rows skipped, predictions that are no class name, sets too small for a claim).
    """

    step: int = 0
    role: str = "val"
    results: tuple[Result, ...] = ()
    trivial_baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    samples_seen: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def main(self, task: str) -> Result:
        """Returns the main result of a task.

        Raises:
            KeyError: the report has no result of the task.
        """
        for result in self.results:
            if result.task == task and result.main:
                return result
        raise KeyError(f"report of step {self.step}: got tasks {sorted({r.task for r in self.results})}; want {task!r}")

    def to_dict(self) -> dict[str, Any]:
        """Returns JSON values, as `report.json` holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Returns the report that `to_dict` was called on.

        Raises:
            TypeError, KeyError: data of something else; the message names the field.
        """
        fields = dict(data)
        fields["results"] = tuple(_checked(Result, result) for result in fields["results"])
        fields["notes"] = tuple(fields.get("notes", ()))
        return _checked(cls, fields)


def _checked(kind: type[_T], fields: Mapping[str, Any]) -> _T:
    if (name := wrong_field(kind, fields)) is not None:
        raise TypeError(f"{name}: {fields[name]!r:.40}")
    return kind(**fields)
