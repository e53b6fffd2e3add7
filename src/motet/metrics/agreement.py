"""F1 and the Matthews correlation of a choice among names: for classes of which some are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import Label, Metric, MetricError, Prediction, TargetSpec
from motet.metrics.prediction_text import prediction_text

NO_NAME = -1


class LabelPairs(Metric):
    """A metric of how often each name is said where each name is true; words that are no name are a name of their own.

    It keeps (said, true) of each row, indices of the target's names, `NO_NAME` for words that are none.
    """

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        if not isinstance(target, Label):
            raise MetricError(f"metric {self.name}: target: got a {type(target).__name__}; want a Label")
        true, names = int(annotation), target.names
        if not 0 <= true < len(names):
            raise MetricError(f"metric {self.name}: truth: got {true}; want 0 to {len(names) - 1}")
        answer = prediction_text(prediction, target, self.name)
        return next((place for place, name in enumerate(names) if name.strip() == answer), NO_NAME), true

    def remarks(self) -> tuple[str, ...]:
        missed = sum(answer == NO_NAME for answer, _ in self.rows.values())
        return (f"{self.name}: {missed} of {len(self.rows)} answers were no name",) if missed else ()


class F1(LabelPairs):
    """F1 of the second of two names: "equivalent" in MRPC, "duplicate" in QQP.

        F1 = 2 * true positives / (2 * true positives + false positives + false negatives)

    Words that are no name count as the wrong one of the two. Where neither truth nor answers hold the second name, 0.

    Source: Wang et al. 2019, "GLUE", section 2.2 (scikit-learn's `f1_score`).

    Examples:
        >>> from motet.core import ClassPrediction
        >>> f1, same = F1(), Label(("different", "same"))
        >>> for row, (answer, truth) in enumerate([(1, 1), (1, 0), (0, 1), (1, 1)]):
        ...     f1.update(str(row), ClassPrediction(answer), truth, same)
        >>> round(f1.compute(), 2)
        66.67
    """

    name = "f1"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        answer, true = super().row(prediction, annotation, target)
        if isinstance(target, Label) and len(target.names) != 2:
            raise MetricError(f"metric {self.name}: target: got {len(target.names)} names; want two, the second counts")
        return answer, true

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(_f1(_f1_counts(rows).sum(axis=0)))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return _f1(counts @ _f1_counts([self.rows[i] for i in ids]))


class Matthews(LabelPairs):
    """The correlation of answers and truths, times 100: 0 for any answer that does not depend on the row.

        R = (right * rows - sum_k said_k * true_k) / sqrt((rows^2 - sum_k said_k^2) * (rows^2 - sum_k true_k^2))

    For two names this is Matthews' coefficient, for more Gorodkin's; 0 where only one name is said or true.

    Source: Warstadt et al. 2018, "CoLA", section 4; Gorodkin 2004, equation 8 (scikit-learn's `matthews_corrcoef`).

    Examples:
        >>> from motet.core import ClassPrediction
        >>> matthews, cola = Matthews(), Label(("unacceptable", "acceptable"))
        >>> for row, (answer, truth) in enumerate([(1, 1), (1, 0), (0, 0), (1, 1)]):
        ...     matthews.update(str(row), ClassPrediction(answer), truth, cola)
        >>> round(matthews.compute(), 2)
        57.74
    """

    name = "matthews"

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(_matthews(np.asarray(rows, dtype=np.int64), np.ones((1, len(rows))))[0])

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return _matthews(np.asarray([self.rows[i] for i in ids], dtype=np.int64), np.asarray(counts, dtype=np.float64))


def _f1_counts(rows: Sequence[tuple[int, int]]) -> np.ndarray:
    """True positives, and all that is positive (said or true), of each row."""
    pairs = np.asarray(rows, dtype=np.int64)
    answer = np.where(pairs[:, 0] == NO_NAME, 1 - pairs[:, 1], pairs[:, 0])
    return np.stack([answer * pairs[:, 1], answer + pairs[:, 1]], axis=1).astype(np.float64)


def _f1(sums: np.ndarray) -> np.ndarray:
    right, positive = sums[..., 0], sums[..., 1]
    return np.asarray(200.0 * right / np.maximum(positive, 1))


def _matthews(pairs: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """One number a draw, from (said, true) of each row and how often each draw holds it."""
    names = np.arange(NO_NAME, pairs.max() + 1)
    answered = counts @ (pairs[:, :1] == names)
    true = counts @ (pairs[:, 1:] == names)
    right, rows = counts @ (pairs[:, 0] == pairs[:, 1]), counts.sum(axis=1)
    above = right * rows - (answered * true).sum(axis=1)
    below = (rows**2 - (answered**2).sum(axis=1)) * (rows**2 - (true**2).sum(axis=1))
    return np.asarray(np.divide(100.0 * above, np.sqrt(below), out=np.zeros_like(above), where=below > 0))
