"""Metrics of generated text against reference texts: BLEU, ROUGE-L, CIDEr, character error rate, exact match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider_scorer import CiderScorer
from pycocoevalcap.rouge.rouge import Rouge

from motet.core import MeanMetric, Metric, MetricError, Prediction, TargetSpec
from motet.metrics.prediction_text import prediction_text, references
from motet.metrics.ptb import tokenise

_ORDERS = 4


class _Bleu(Metric):
    """BLEU over the whole set: the geometric mean of clipped n-gram precisions 1 to n, and the brevity penalty.

    It stores ten sums per row: matched and possible n-grams of four orders, the length of the prediction and that of
    the reference nearest in length.
    """

    order: ClassVar[int]

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[float, ...]:
        """Returns matched 1..4-grams, possible 1..4-grams, predicted words, words of the nearest reference."""
        predicted, reference_texts = _tokens(prediction, annotation, target, self.name)
        counts = BleuScorer(test=predicted, refs=list(reference_texts)).ctest[0]
        length = counts["testlen"]
        _, nearest = min((abs(reference - length), reference) for reference in counts["reflen"])
        return (*counts["correct"], *counts["guess"], length, nearest)

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(self._of_sums(np.asarray(rows, dtype=np.float64).sum(axis=0)))

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        return self._of_sums(self._sums(ids))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return self._of_sums(counts @ self._sums(ids))

    def _sums(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([self.rows[i] for i in ids], dtype=np.float64)

    def _of_sums(self, sums: np.ndarray) -> np.ndarray:
        # The two small numbers are those of `BleuScorer.compute_score`: a missing order gives nearly, not exactly, 0.
        correct, guess = sums[..., : self.order], sums[..., _ORDERS : _ORDERS + self.order]
        precision = np.prod((correct + 1e-15) / (guess + 1e-9), axis=-1) ** (1 / self.order)
        ratio = (sums[..., -2] + 1e-15) / (sums[..., -1] + 1e-9)
        return np.asarray(100.0 * precision * np.exp(np.minimum(0.0, 1 - 1 / ratio)))


class Bleu1(_Bleu):
    """BLEU of 1-grams, in percent. Source: Papineni et al. 2002; `pycocoevalcap` Bleu, nearest reference length."""

    name, order = "bleu1", 1


class Bleu2(_Bleu):
    """BLEU of 1- and 2-grams, in percent. Source: as `Bleu1`."""

    name, order = "bleu2", 2


class Bleu3(_Bleu):
    """BLEU of 1- to 3-grams, in percent. Source: as `Bleu1`."""

    name, order = "bleu3", 3


class Bleu4(_Bleu):
    """BLEU of 1- to 4-grams, in percent. Source: as `Bleu1`.

    Examples:
        >>> from motet.core import Text, TextPrediction
        >>> bleu = Bleu4()
        >>> bleu.update("a", TextPrediction("A man rides a horse."), ("a man rides a horse", "a rider"), Text(20))
        >>> round(bleu.compute(), 3)
        100.0
    """

    name, order = "bleu4", 4


class RougeL(MeanMetric):
    """The longest common subsequence with a reference, as an F-score with beta 1.2, in percent; the mean over rows.

    The best precision and the best recall over references are taken independently, as in the caption challenge.

    Source: Lin 2004; `pycocoevalcap` Rouge.
    """

    name = "rouge_l"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        predicted, reference_texts = _tokens(prediction, annotation, target, self.name)
        return float(Rouge().calc_score([predicted], list(reference_texts)))


class Cider(Metric):
    """The consensus with human captions: cosine of tf-idf weighted 1..4-grams, times 100 as papers print it.

    This is CIDEr-D with sigma 6, as the caption challenge computes it, with document frequencies over the evaluated
    rows. It is no percentage: it may exceed 100. A set of one image scores 0, since then no n-gram distinguishes
    images.

    `draws` uses the document frequencies of the whole set, so that an interval shows the effect of the choice of images
    and not that of the word weights.

    Source: Vedantam et al. 2015 (arXiv 1411.5726), equations 1 to 5; `pycocoevalcap` Cider.
    """

    name = "cider"
    unit = ""

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[str, tuple[str, ...]]:
        """Returns prediction and references as tokens separated by spaces."""
        return _tokens(prediction, annotation, target, self.name)

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(_cider(rows).mean())

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        known = sorted(self.rows)
        scores = dict(zip(known, _cider([self.rows[i] for i in known]), strict=True))
        return np.array([scores[i] for i in ids])

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ self.row_scores(ids) / counts.sum(axis=1))


def _cider(rows: Sequence[tuple[str, tuple[str, ...]]]) -> np.ndarray:
    scorer = CiderScorer(n=4, sigma=6.0)
    for predicted, reference_texts in rows:
        scorer += (predicted, list(reference_texts))
    if not any(text.split() for _, reference_texts in rows for text in reference_texts):
        return np.zeros(len(rows))  # the scorer fails without any n-gram, as it takes the largest document frequency
    return 100.0 * np.asarray(scorer.compute_score()[1], dtype=np.float64)


class CharacterErrorRate(Metric):
    """Inserted, deleted and replaced letters per letter of the reference, in percent over the set; lower is better.

        CER = 100 * sum of edit distances / sum of reference lengths

    Of several references the one with the fewest edits counts. The rate may exceed 100.

    Examples:
        >>> from motet.core import Text, TextPrediction
        >>> cer = CharacterErrorRate()
        >>> cer.update("a", TextPrediction("T0TAL"), ("TOTAL",), Text(4))
        >>> cer.compute()
        20.0
    """

    name = "cer"
    higher_is_better = False

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> tuple[int, int]:
        """Returns the edits and the letters of the nearest reference."""
        predicted = prediction_text(prediction, target, self.name)
        return min((edit_distance(predicted, text), len(text)) for text in references(annotation, self.name))

    def reduce(self, rows: Sequence[Any]) -> float:
        edits, letters = np.asarray(rows, dtype=np.float64).sum(axis=0)
        if letters == 0:
            raise MetricError(
                f"metric {self.name}: annotation: got no letter in {len(rows)} rows; want at least one non-empty text"
            )
        return float(100.0 * edits / letters)

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        edits, letters = self._sums(ids).T
        return np.asarray(100.0 * edits / np.maximum(letters, 1))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        edits, letters = (counts @ self._sums(ids)).T
        return np.asarray(100.0 * edits / np.maximum(letters, 1))

    def _sums(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([self.rows[i] for i in ids], dtype=np.float64)


def edit_distance(a: str, b: str) -> int:
    """Returns the smallest number of insertions, deletions and replacements between two strings (Levenshtein).

    Examples:
        >>> edit_distance("kitten", "sitting")
        3
    """
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (letter != other))
    return row[-1]


class ExactMatch(MeanMetric):
    """The share of rows whose text equals a reference letter by letter; any run of white space counts as one space."""

    name = "exact_match"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        predicted = prediction_text(prediction, target, self.name)
        return float(predicted in references(annotation, self.name))


def _tokens(prediction: Prediction, annotation: Any, target: TargetSpec, metric: str) -> tuple[str, tuple[str, ...]]:
    predicted = tokenise(prediction_text(prediction, target, metric))
    return " ".join(predicted), tuple(" ".join(tokenise(text)) for text in references(annotation, metric))
