"""F1 and the Matthews correlation of predicted classes, for classes of unequal frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import ClassPrediction, Label, Metric, MetricError, Prediction, TargetSpec
from motet.core.normalised_text import normalise
from motet.metrics.prediction_text import prediction_text

NO_NAME = -1


class LabelPairs(Metric):
    """A metric of the confusion matrix of a `Label`; generated text that is no class name is a class of its own.

    It stores (predicted, annotated) of each row: indices of the target's names, `NO_NAME` for text that is none.
    """

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        if not isinstance(target, Label):
            raise MetricError(f"metric {self.name}: target: got a {type(target).__name__}; want a Label")
        annotated, names = int(annotation), target.names
        if not 0 <= annotated < len(names):
            raise MetricError(
                f"metric {self.name}: annotation: got {annotated}; want a class from 0 to {len(names) - 1}"
            )
        predicted = prediction_text(prediction, target, self.name)
        if isinstance(prediction, ClassPrediction):
            return prediction.index, annotated
        return next((place for place, name in enumerate(names) if normalise(name) == predicted), NO_NAME), annotated

    def remarks(self) -> tuple[str, ...]:
        missed = sum(predicted == NO_NAME for predicted, _ in self.rows.values())
        return (f"{self.name}: {missed} of {len(self.rows)} answers were no name",) if missed else ()


class F1(LabelPairs):
    """F1 of the second of two names: "equivalent" in MRPC, "duplicate" in QQP.

        F1 = 2 * true positives / (2 * true positives + false positives + false negatives)

    Text that is no class name counts as the wrong one of the two. The value is 0 if the second name is neither
    predicted nor annotated anywhere.

    Source: Wang et al. 2019, "GLUE", section 2.2 (scikit-learn's `f1_score`).

    Examples:
        >>> from motet.core import ClassPrediction
        >>> f1, same = F1(), Label(("different", "same"))
        >>> for row, (predicted, annotation) in enumerate([(1, 1), (1, 0), (0, 1), (1, 1)]):
        ...     f1.update(str(row), ClassPrediction(predicted), annotation, same)
        >>> round(f1.compute(), 2)
        66.67
    """

    name = "f1"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        predicted, annotated = super().row(prediction, annotation, target)
        if isinstance(target, Label) and len(target.names) != 2:
            raise MetricError(
                f"metric {self.name}: target: got {len(target.names)} names; want two, of which the second is positive"
            )
        return predicted, annotated

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(_f1(_f1_counts(rows).sum(axis=0)))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return _f1(counts @ _f1_counts([self.rows[i] for i in ids]))


class Matthews(LabelPairs):
    """The correlation of predictions and annotations, times 100: 0 for a prediction that does not depend on the row.

        R = (right * rows - sum_k p_k * a_k) / sqrt((rows^2 - sum_k p_k^2) * (rows^2 - sum_k a_k^2))

    where p_k and a_k are the numbers of rows predicted and annotated as class k. For two classes this is Matthews'
    coefficient, for more Gorodkin's; it is 0 if only one class is predicted or annotated.

    Source: Warstadt et al. 2018, "CoLA", section 4; Gorodkin 2004, equation 8 (scikit-learn's `matthews_corrcoef`).

    Examples:
        >>> from motet.core import ClassPrediction
        >>> matthews, cola = Matthews(), Label(("unacceptable", "acceptable"))
        >>> for row, (predicted, annotation) in enumerate([(1, 1), (1, 0), (0, 0), (1, 1)]):
        ...     matthews.update(str(row), ClassPrediction(predicted), annotation, cola)
        >>> round(matthews.compute(), 2)
        57.74
    """

    name = "matthews"

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(_matthews(np.asarray(rows, dtype=np.int64), np.ones((1, len(rows))))[0])

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return _matthews(np.asarray([self.rows[i] for i in ids], dtype=np.int64), np.asarray(counts, dtype=np.float64))


def _f1_counts(rows: Sequence[tuple[int, int]]) -> np.ndarray:
    """Returns the true positives of each row, and its positives, predicted plus annotated."""
    pairs = np.asarray(rows, dtype=np.int64)
    predicted = np.where(pairs[:, 0] == NO_NAME, 1 - pairs[:, 1], pairs[:, 0])
    return np.stack([predicted * pairs[:, 1], predicted + pairs[:, 1]], axis=1).astype(np.float64)


def _f1(sums: np.ndarray) -> np.ndarray:
    right, positive = sums[..., 0], sums[..., 1]
    return np.asarray(200.0 * right / np.maximum(positive, 1))


def _matthews(pairs: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns one number per draw, from (predicted, annotated) of each row and how often each draw contains it."""
    names = np.arange(NO_NAME, pairs.max() + 1)
    predictions = counts @ (pairs[:, :1] == names)
    annotated = counts @ (pairs[:, 1:] == names)
    right, rows = counts @ (pairs[:, 0] == pairs[:, 1]), counts.sum(axis=1)
    numerator = right * rows - (predictions * annotated).sum(axis=1)
    denominator = (rows**2 - (predictions**2).sum(axis=1)) * (rows**2 - (annotated**2).sum(axis=1))
    return np.asarray(
        np.divide(100.0 * numerator, np.sqrt(denominator), out=np.zeros_like(numerator), where=denominator > 0)
    )
