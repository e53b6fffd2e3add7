"""Ranks and recall against the official script, and by hand."""

from pathlib import Path

import numpy as np
import pytest

from motet.core import ClassPrediction, Label, Match, MetricError
from motet.metrics import MatchAccuracy, MeanRank, MedianRank, RecallAt1, RecallAt5, RecallAt10

GOLDEN = Path(__file__).parents[1] / "golden" / "retrieval.npz"
POINT, SPLIT = Match("regions"), Match("images", "split")


def test_ranks_equal_the_official_script() -> None:
    data = np.load(GOLDEN)
    metrics = {"r1": RecallAt1(), "r5": RecallAt5(), "r10": RecallAt10(), "medr": MedianRank(), "meanr": MeanRank()}
    for row, (scores, target, rank) in enumerate(zip(data["scores"], data["target"], data["rank"], strict=True)):
        right = frozenset(np.flatnonzero(target).tolist())
        for metric in metrics.values():
            metric.update(str(row), ClassPrediction(int(scores.argmax()), scores=tuple(scores)), right, SPLIT)
        assert metrics["meanr"].rows[str(row)] == rank + 1
    assert {name: metric.compute() for name, metric in metrics.items()} == {name: float(data[name]) for name in metrics}


def test_the_best_of_several_right_ones_counts_and_wrong_ones_come_first_in_a_tie() -> None:
    metric = MeanRank()
    metric.update("a", ClassPrediction(0, scores=(0.9, 0.5, 0.7, 0.1)), frozenset({1, 2}), SPLIT)
    metric.update("b", ClassPrediction(0, scores=(0.5, 0.5, 0.5)), frozenset({0}), SPLIT)
    assert metric.rows == {"a": 2, "b": 3}


def test_none_is_right_where_nothing_is() -> None:
    metric = MatchAccuracy()
    metric.update("a", ClassPrediction(-1), frozenset(), POINT)
    metric.update("b", ClassPrediction(-1), frozenset({0}), POINT)
    metric.update("c", ClassPrediction(0), frozenset(), POINT)
    assert metric.compute() == pytest.approx(100 / 3)


def test_what_cannot_be_evaluated_is_an_error() -> None:
    with pytest.raises(MetricError, match="metric recall_at_1: target: got a Label; want a Match"):
        RecallAt1().update("a", ClassPrediction(0), frozenset({0}), Label(("a", "b")))
    with pytest.raises(MetricError, match="metric recall_at_1: annotation: got no right candidate"):
        RecallAt1().update("a", ClassPrediction(0, scores=(1.0,)), frozenset(), SPLIT)
    with pytest.raises(MetricError, match="got 1 scores for the right candidate 3; want a score for every"):
        RecallAt1().update("a", ClassPrediction(0, scores=(1.0,)), frozenset({3}), SPLIT)
    with pytest.raises(MetricError, match="ranks: got 1 scores that are NaN"):
        RecallAt1().update("a", ClassPrediction(0, scores=(1.0, float("nan"))), frozenset({0}), SPLIT)
