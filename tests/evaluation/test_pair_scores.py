"""Scores of pairs: blocks of any size give the same matrix, and masks score only their pairs."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from motet.evaluation.pair_scores import PairScorer

IMAGES, TEXTS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.randn(7, 3)


class Dots:
    """Scores a pair by the dot product of its sides, and counts the pairs."""

    def __init__(self) -> None:
        self.pairs = 0

    def score(self, task, images, texts):
        assert task == "retrieval"
        self.pairs += len(images["x"]) * len(texts["x"])
        return images["x"] @ texts["x"].sum(-1).T if texts["x"].ndim == 3 else images["x"] @ texts["x"].T


def sides(values, size):
    return [{"x": part} for part in values.split(size)]


def scorer(image_block, text_block, progress=None):
    return PairScorer(Dots(), "retrieval", sides(IMAGES, image_block), sides(TEXTS, text_block), "label", progress)


WHOLE = (IMAGES @ TEXTS.T).numpy()


@pytest.mark.parametrize("blocks", [(5, 7), (2, 3), (1, 1)])
def test_blocks_give_the_same_scores(blocks) -> None:
    assert scorer(*blocks).score_all() == pytest.approx(WHOLE, abs=1e-6)


def test_some_images_or_texts_are_parts_of_the_whole() -> None:
    assert scorer(2, 3).score_texts([6, 0]) == pytest.approx(WHOLE[:, [6, 0]], abs=1e-6)
    assert scorer(2, 3).score_images([4, 1]) == pytest.approx(WHOLE[[4, 1]], abs=1e-6)
    assert scorer(2, 3).score_images([]).shape == (0, 7)


def test_only_the_pairs_of_the_mask_are_scored() -> None:
    mask = np.random.default_rng(0).random(WHOLE.shape) < 0.4
    mask[2] = False
    pairs = scorer(2, 3)
    assert pairs.score_selected(mask) == pytest.approx(np.where(mask, WHOLE, 0.0), abs=1e-6)
    assert pairs.system.pairs == mask.sum()


def test_texts_of_different_lengths_are_padded_with_zeros() -> None:
    texts = [{"x": torch.ones(2, 3, 1)}, {"x": torch.ones(1, 3, 2)}]
    seen = []
    system = SimpleNamespace(score=lambda task, images, side: seen.append(side["x"]) or torch.zeros(1, len(side["x"])))
    PairScorer(system, "retrieval", sides(IMAGES[:1], 1), texts, "label", None).score_texts([0, 2])
    assert seen[0].tolist() == [[[1.0, 0.0]] * 3, [[1.0, 1.0]] * 3]


def test_progress_gets_the_label_and_ends_at_the_total() -> None:
    calls = []
    scorer(2, 3, lambda *call: calls.append(call)).score_all()
    assert calls[-1] == ("label", 9, 9)
    assert [done for _, done, _ in calls] == list(range(1, 10))
