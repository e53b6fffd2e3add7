"""Accuracy and ranks of the right candidate, among the candidates of a row or over a whole split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from motet.core import ClassPrediction, Match, MeanMetric, Metric, MetricError, Prediction, TargetSpec


class MatchAccuracy(MeanMetric):
    """The share of rows whose chosen candidate is a right one; "none" (index -1) is right if no candidate is.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2: Visual7W, GuessWhat.

    Examples:
        >>> accuracy, pointing = MatchAccuracy(), Match("regions")
        >>> accuracy.update("a", ClassPrediction(2), frozenset({2}), pointing)
        >>> accuracy.update("b", ClassPrediction(0), frozenset({1, 3}), pointing)
        >>> accuracy.compute()
        50.0
    """

    name = "match_accuracy"

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> float:
        chosen, right = _class_prediction(prediction, target, self.name), _places(annotation, self.name)
        return float(chosen.index in right if right else chosen.index == -1)


class _Ranks(Metric):
    """A metric of ranks; it stores the rank of each query's best right candidate, 1 for the first.

    In a tie wrong candidates come first, so that a system with equal scores for all candidates gets the worst rank.
    """

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> int:
        chosen, right = _class_prediction(prediction, target, self.name), _places(annotation, self.name)
        if not right:
            raise MetricError(f"metric {self.name}: annotation: got no right candidate; want at least one index")
        if max(right) >= len(chosen.scores):
            got = f"{len(chosen.scores)} scores for the right candidate {max(right)}"
            raise MetricError(
                f"metric {self.name}: ClassPrediction.scores: got {got}; want a score for every candidate"
            )
        return rank_of(np.asarray(chosen.scores, dtype=np.float64), sorted(right))

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        return self.of_ranks(np.array([self.rows[i] for i in ids]))

    def of_ranks(self, ranks: np.ndarray) -> np.ndarray:
        """Returns the number of each query."""
        return ranks.astype(np.float64)


def rank_of(scores: np.ndarray, right: Sequence[int]) -> int:
    """Returns the rank of the best of the right candidates, 1 for the first.

    Raises:
        MetricError: a score that is NaN.

    Examples:
        >>> rank_of(np.array([0.3, 0.9, 0.5]), [0, 2]), rank_of(np.zeros(5), [0])
        (2, 5)
    """
    if np.isnan(scores).any():
        raise MetricError(f"ranks: got {int(np.isnan(scores).sum())} scores that are NaN; want a number per candidate")
    best = scores[list(right)].max()
    ahead = scores >= best
    ahead[list(right)] = False
    return 1 + int(ahead.sum())


class _RecallAt(_Ranks):
    first: ClassVar[int]

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(self.of_ranks(np.asarray(rows)).mean())

    def of_ranks(self, ranks: np.ndarray) -> np.ndarray:
        return 100.0 * (ranks <= self.first)

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ self.row_scores(ids) / counts.sum(axis=1))


class RecallAt1(_RecallAt):
    """The share of queries with a right candidate in the first place.

    Source: Lu et al. 2020 (arXiv 1912.02315), section 2; the authors' `eval_retrieval.py`.

    Examples:
        >>> recall, images = RecallAt1(), Match("images", "split")
        >>> recall.update("caption", ClassPrediction(1, scores=(0.2, 0.8)), frozenset({1}), images)
        >>> recall.compute()
        100.0
    """

    name = "recall_at_1"
    first = 1


class RecallAt5(_RecallAt):
    """The share of queries with a right candidate among the first five."""

    name = "recall_at_5"
    first = 5


class RecallAt10(_RecallAt):
    """The share of queries with a right candidate among the first ten."""

    name = "recall_at_10"
    first = 10


class MedianRank(_Ranks):
    """The median rank of the best right candidate, rounded down as the official script does."""

    name, unit, higher_is_better = "median_rank", "", False

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(np.floor(np.median(np.asarray(rows))))

    def row_scores(self, ids: Sequence[str]) -> np.ndarray:
        return self.of_ranks(np.array([self.rows[i] for i in ids]))


class MeanRank(_Ranks):
    """The mean rank of the best right candidate."""

    name, unit, higher_is_better = "mean_rank", "", False

    def reduce(self, rows: Sequence[Any]) -> float:
        return float(np.mean(np.asarray(rows)))

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        return np.asarray(counts @ self.row_scores(ids) / counts.sum(axis=1))


def _class_prediction(prediction: Prediction, target: TargetSpec, metric: str) -> ClassPrediction:
    if not isinstance(target, Match):
        raise MetricError(f"metric {metric}: target: got a {type(target).__name__}; want a Match")
    if not isinstance(prediction, ClassPrediction):
        raise MetricError(f"metric {metric}: prediction: got a {type(prediction).__name__}; want a ClassPrediction")
    return prediction


def _places(annotation: Any, metric: str) -> frozenset[int]:
    if not isinstance(annotation, set | frozenset) or not all(
        isinstance(place, int) and place >= 0 for place in annotation
    ):
        raise MetricError(f"metric {metric}: annotation: got {annotation!r}; want a set of indices of candidates")
    return frozenset(annotation)
