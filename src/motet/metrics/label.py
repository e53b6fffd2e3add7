"""Accuracy of predicted class names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from motet.core import ClassPrediction, Label, Metric, MetricError, Prediction, TargetSpec
from motet.core.normalised_text import normalise
from motet.metrics.prediction_text import prediction_text


class Accuracy(Metric):
    """The share of rows whose predicted class is right.

    A generated text is right if it equals the right name letter by letter, both normalised (NFC, single spaces). Text
    that is no class name is wrong, and the remarks count it, since a system that generates text can miss the list.

    Source: Beyer et al. 2023 (arXiv 2303.17376), section 4: "exact match accuracy".

    Examples:
        >>> from motet.core import TextPrediction
        >>> accuracy, pets = Accuracy(), Label(("cat", "dog"))
        >>> accuracy.update("a", TextPrediction("dog"), 1, pets)
        >>> accuracy.update("b", TextPrediction("dgo"), 1, pets)
        >>> accuracy.compute(), accuracy.remarks()
        (50.0, ('1 of 2 answers were no name',))
    """

    name = "accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[bool, bool]:
        """Returns (right, is a class name)."""
        if not isinstance(target, Label):
            raise MetricError(f"metric {self.name}: target: got a {type(target).__name__}; want a Label")
        index = int(annotation)
        if not 0 <= index < len(target.names):
            raise MetricError(
                f"metric {self.name}: annotation: got {index}; want a class from 0 to {len(target.names) - 1}"
            )
        answer = prediction_text(prediction, target, self.name)
        if isinstance(prediction, ClassPrediction):  # its index was checked above; two names may be the same text
            return prediction.index == index, True
        names = _normalised(target.names)
        return answer == names[index], answer in names

    def reduce(self, rows: Sequence[Any]) -> float:
        return 100.0 * float(np.mean([right for right, _ in rows]))

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([100.0 * self.rows[i][0] for i in ids])

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ self.row_scores(ids) / counts.sum(axis=1))

    def is_unknown_name(self, row_id: str) -> bool:
        """Returns True if this row's prediction is none of the class names."""
        return not self.rows[row_id][1]

    def remarks(self) -> tuple[str, ...]:
        missed = sum(self.is_unknown_name(i) for i in self.rows)
        return (f"{missed} of {len(self.rows)} answers were no name",) if missed else ()


@lru_cache(maxsize=64)
def _normalised(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normalise(name) for name in names)
