"""Metrics of single words that a model predicts: accuracy and perplexity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from motet.core import Metric, MetricError, Prediction, TargetSpec, TextPrediction


class _WordMetric(Metric):
    """A metric over the words of all rows together; rows whose predictions lack words do not count."""

    reads_words = True

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int, float]:
        del annotation, target
        if not isinstance(prediction, TextPrediction):
            raise MetricError(
                f"metric {self.name}: prediction: got a {type(prediction).__name__}; want a TextPrediction"
            )
        words = prediction.words
        return (0, 0, 0.0) if words is None else (words.correct, words.count, words.log_prob)

    def is_defined(self) -> bool:
        return any(count for _, count, _ in self.rows.values())

    def remarks(self) -> tuple[str, ...]:
        if self.is_defined():
            return ()
        return (f"no {self.name}: the predictions are texts without scores of the annotation's words",)

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        rows = np.asarray([self.rows[i] for i in ids], dtype=np.float64)
        return np.array([self._of_sums(*summed) for summed in (counts @ rows).tolist()])

    def reduce(self, rows: Sequence[Any]) -> float:
        return self._of_sums(*np.asarray(rows, dtype=np.float64).sum(0).tolist())

    def _of_sums(self, correct: float, count: float, log_prob: float) -> float:
        raise NotImplementedError


class WordAccuracy(_WordMetric):
    """The share of words of the annotation that a model predicts rightly, over the words of all rows.

    Masked words are predicted from the rest of the text, words of a caption from the words before them. A word is a
    token of the model, so numbers of two tokenisers do not compare.

    Source: Zhu et al., "Uni-Perceiver-MoE" (NeurIPS 2022), table 3 (accuracy of masked words and of captions).

    Examples:
        >>> from motet.core import Masked, WordScores
        >>> accuracy = WordAccuracy()
        >>> accuracy.update("a", TextPrediction("a dog", words=WordScores(2, 2, -0.1)), None, Masked("words"))
        >>> accuracy.update("b", TextPrediction("a cat", words=WordScores(1, 6, -9.0)), None, Masked("words"))
        >>> accuracy.compute()
        37.5
    """

    name = "word_accuracy"

    def _of_sums(self, correct: float, count: float, log_prob: float) -> float:
        del log_prob
        return 100.0 * correct / count if count else float("nan")


class Perplexity(_WordMetric):
    """The exponential of the mean negative log-probability of the annotation's words; 1 is best.

    Source: as `WordAccuracy`.

    Examples:
        >>> import math
        >>> from motet.core import Masked, WordScores
        >>> perplexity = Perplexity()
        >>> words = WordScores(0, 2, 2 * math.log(1 / 8))
        >>> perplexity.update("a", TextPrediction("a", words=words), None, Masked("words"))
        >>> round(perplexity.compute(), 6)
        8.0
    """

    name = "perplexity"
    unit: ClassVar[str] = ""
    higher_is_better = False

    def _of_sums(self, correct: float, count: float, log_prob: float) -> float:
        del correct
        return float(np.exp(-log_prob / count)) if count else float("nan")
