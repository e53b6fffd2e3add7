"""Base classes of metrics: updated row by row, merged over ranks, computed over any choice of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from motet.core.errors import MetricError
from motet.core.prediction import Prediction
from motet.core.target import TargetSpec


class Metric(ABC):
    """One number about the predictions of one task, in percent unless `unit` differs.

    A metric stores a small summary of each row under the row's id. So ranks are merged by union, the order of updates
    does not matter, and a bootstrap over images is `compute` on ids drawn with replacement.

    Attributes:
        name: "accuracy", "cider", ...: its key in reports and recipes.
        unit: "%", "deg", "m", "" ...
        higher_is_better: the direction.
        reads_words: it reads `TextPrediction.words`, which cost a pass of their own where texts are generated.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = True
    reads_words: ClassVar[bool] = False

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    @abstractmethod
    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> Any:
        """Returns the summary of one row that is stored; small, plain data, since ranks exchange it."""

    @abstractmethod
    def reduce(self, rows: Sequence[Any]) -> float:
        """Returns the number over stored rows, which may repeat."""

    def row_scores(self, ids: Sequence[str]) -> np.ndarray | None:
        """Returns the score of each row in the metric's unit, for predictions.jsonl; None if single rows have none."""
        del ids
        return None

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """Returns the number for many draws of rows with replacement, for a bootstrap; override it where sums suffice.

        Args:
            ids: n row ids.
            counts: (d, n), how often each draw contains each row.
        """
        return np.array([self.compute(np.repeat(np.asarray(ids, dtype=object), row).tolist()) for row in counts])

    def by_class(self) -> Mapping[int, float]:
        """Returns the number per annotated class, by label; empty where the metric is not a mean over classes."""
        return {}

    def remarks(self) -> tuple[str, ...]:
        """Returns remarks that a reader of the number should know, such as "17 of 500 answers were no name"."""
        return ()

    def is_defined(self) -> bool:
        """Checks whether the rows say anything: an average precision of small boxes needs an annotated small box."""
        return True

    def update(self, row_id: str, prediction: Prediction, annotation: Any, target: TargetSpec) -> None:
        """Adds one row. A row added twice (a padded last batch) counts once."""
        self.rows[row_id] = self.row(prediction, annotation, target)

    def merge(self, other: Self) -> None:
        """Adds the rows of another rank."""
        self.rows.update(other.rows)

    def compute(self, ids: Sequence[str] | None = None) -> float:
        """Returns the number over all rows, or over the given ids (which may repeat, for a bootstrap).

        Raises:
            MetricError: no row was added.
        """
        if not self.rows:
            raise MetricError(f"metric {self.name}: got no rows; want at least one evaluated row")
        return self.reduce([self.rows[i] for i in (sorted(self.rows) if ids is None else ids)])


class MeanMetric(Metric):
    """A metric that is the mean of one number per row, times 100 if its unit is percent."""

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(np.mean(np.asarray(rows, dtype=np.float64))) * (100.0 if self.unit == "%" else 1.0)

    def row_scores(self, ids: Sequence[str]) -> np.ndarray | None:
        scores = np.asarray([self.rows[i] for i in ids], dtype=np.float64)
        return scores * 100.0 if self.unit == "%" else scores

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        scores = self.row_scores(ids)
        return super().draws(ids, counts) if scores is None else np.asarray(counts @ scores / counts.sum(axis=1))
