"""Numbers about predictions: added up row by row, merged over ranks, computed over any choice of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from motet.core.errors import MetricError
from motet.core.prediction import Prediction
from motet.core.target import TargetSpec


class Metric(ABC):
    """One number about the answers of one task, in percent unless `unit` says otherwise.

    A metric keeps what it needs of each row under the row's id, so that ranks merge by union, the order of updates does
    not matter, and a bootstrap over images is `compute` on ids drawn with repetition.

    Attributes:
        name: "accuracy", "cider", ...: its key in reports and recipes.
        unit: "%", "deg", "m", "" ...
        higher_is_better: the direction.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = True

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    @abstractmethod
    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> Any:
        """What is kept of one row; small, plain data (it crosses ranks)."""

    @abstractmethod
    def reduce(self, rows: Sequence[Any]) -> float:
        """The number over kept rows, which may repeat."""

    def row_scores(self, ids: Sequence[str]) -> np.ndarray | None:
        """Each named row's own score in the metric's unit, where a row has one: what stands beside its prediction."""
        del ids
        return None

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """The number over many draws of rows with repetition, for a bootstrap; to override where sums are enough.

        Args:
            ids: n rows.
            counts: (d, n) how often each draw holds each row.
        """
        return np.array([self.compute(np.repeat(np.asarray(ids, dtype=object), row).tolist()) for row in counts])

    def by_class(self) -> Mapping[int, float]:
        """The number of each class that has a truth, by its label; nothing where the number is not made of classes."""
        return {}

    def remarks(self) -> tuple[str, ...]:
        """What a reader of the number should know: "17 of 500 answers were no name"."""
        return ()

    def update(self, row_id: str, prediction: Prediction, annotation: Any, target: TargetSpec) -> None:
        """Adds one row. A row seen twice (a padded last batch) counts once."""
        self.rows[row_id] = self.row(prediction, annotation, target)

    def merge(self, other: Self) -> None:
        """Adds the rows another rank has seen."""
        self.rows.update(other.rows)

    def compute(self, ids: Sequence[str] | None = None) -> float:
        """The number over all rows, or over those named (with repetition, for a bootstrap).

        Raises:
            MetricError: no row was added.
        """
        if not self.rows:
            raise MetricError(f"metric {self.name}: got no rows; want at least one")
        return self.reduce([self.rows[i] for i in (sorted(self.rows) if ids is None else ids)])


class MeanMetric(Metric):
    """A metric that is the mean of a number a row, times 100 when its unit is percent."""

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(np.mean(np.asarray(rows, dtype=np.float64))) * (100.0 if self.unit == "%" else 1.0)

    def row_scores(self, ids: Sequence[str]) -> np.ndarray | None:
        scores = np.asarray([self.rows[i] for i in ids], dtype=np.float64)
        return scores * 100.0 if self.unit == "%" else scores

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        scores = self.row_scores(ids)
        return super().draws(ids, counts) if scores is None else np.asarray(counts @ scores / counts.sum(axis=1))
