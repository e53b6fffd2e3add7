"""The first stage of a ranking by itself: guesses from anchors, what is kept of them, how much that loses."""

import numpy as np
import pytest

from motet.core import ConfigError, rng_for
from motet.evaluation.two_stage_retrieval import (
    Ranking,
    estimate_scores,
    first_stage_recall,
    merge_stages,
    top_candidates,
)


def test_scores_of_few_factors_are_estimated_exactly() -> None:
    rng = rng_for("factors", 0)
    scores = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60)) + rng.normal(size=(40, 1)) + rng.normal(size=(1, 60))
    images, texts = [3, 8, 15, 20, 31, 39], [0, 7, 22, 40, 41, 59]
    found = estimate_scores(scores[:, texts], scores[images], images, texts)
    assert np.allclose(found, scores, atol=1e-6)


def test_what_was_scored_stays_as_it_was() -> None:
    scores = rng_for("noise", 0).normal(size=(9, 12))
    found = estimate_scores(scores[:, [2, 5]], scores[[1, 7]], [1, 7], [2, 5])
    assert np.array_equal(found[:, [2, 5]], scores[:, [2, 5]])
    assert np.array_equal(found[[1, 7]], scores[[1, 7]])
    assert np.isfinite(found).all()


def test_anchors_that_all_score_alike_leave_what_is_common() -> None:
    scores = np.add.outer(np.arange(4.0), np.arange(5.0))
    assert np.allclose(estimate_scores(scores[:, [1, 2]], scores[[0, 3]], [0, 3], [1, 2]), scores)


def test_each_query_keeps_as_many_as_there_are_at_most() -> None:
    scores = rng_for("best", 0).normal(size=(4, 7))
    assert top_candidates(scores, 3, "texts").sum(1).tolist() == [3] * 4
    assert top_candidates(scores, 9, "images").all()
    kept = top_candidates(scores, 2, "images")
    assert kept.sum(0).tolist() == [2] * 7
    assert all(set(np.argsort(-scores[:, t])[:2]) == set(np.flatnonzero(kept[:, t])) for t in range(7))


def test_the_rest_follows_in_the_order_of_the_estimate() -> None:
    guess = np.array([[5.0, 9.0, 8.0, 1.0]])
    kept = top_candidates(guess, 2, "texts")
    found = merge_stages(np.array([[0.0, -3.0, -2.0, 0.0]]), guess, kept, "texts")
    assert found.tolist() == [[-4.0, -3.0, -2.0, -8.0]]


def test_recall_counts_queries_with_a_right_candidate() -> None:
    kept = np.array([[True, False, False], [False, False, True]])
    assert first_stage_recall(kept, [(0, 1), (2,)], "texts") == 100.0
    assert first_stage_recall(kept, [(0, 1), (2,)], "images") == pytest.approx(200 / 3)


def test_numbers_that_cannot_be_are_refused() -> None:
    for wrong in ({"rerank_top_k": 0}, {"first_stage_size": 0}):
        with pytest.raises(ConfigError, match=r"Ranking\.\w+: got 0; want 1 or more"):
            Ranking(**wrong)
    assert Ranking(rerank_top_k=9, first_stage_size=3).anchors("texts", 2) == [0, 1]
    assert len(set(Ranking(first_stage_size=3).anchors("images", 50))) == 3
