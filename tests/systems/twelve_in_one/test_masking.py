"""Shares of masked words and regions, neighbours, and the losses of both."""

import numpy as np
import pytest
import torch

from motet.systems.twelve_in_one import RegionMasking
from motet.systems.twelve_in_one.masking import (
    mask_regions,
    mask_words,
    masked_classes_loss,
    masked_features_loss,
)
from motet.systems.twelve_in_one.regions import PaddedRegions


def test_words_are_masked_in_the_shares_of_bert() -> None:
    rng, ids = np.random.default_rng(0), [7] * 100_000
    masked, labels = mask_words(ids, [False] * len(ids), rng.random(len(ids)), np.full(len(ids), 5), 4)
    chosen = np.array(masked)[np.array(labels) >= 0]
    assert len(chosen) / len(ids) == pytest.approx(0.15, abs=0.005)
    assert [(chosen == word).mean() for word in (4, 5, 7)] == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    assert all(word == 7 for word, label in zip(masked, labels, strict=True) if label < 0)


def regions() -> PaddedRegions:
    """Two boxes that overlap by 0.8, one apart, one of padding."""
    boxes = torch.tensor([[[0.0, 0, 0.5, 0.5], [0, 0, 0.5, 0.4], [0.6, 0.6, 1, 1], [0, 0, 0.5, 0.5]]])
    valid = torch.tensor([[True, True, True, False]])
    return PaddedRegions(torch.ones(1, 4, 2), boxes, valid, torch.full((1, 2), 1000.0), valid)


@pytest.mark.parametrize(("draw", "itself"), [(0.0, True), (0.14, False)])
def test_neighbours_of_a_masked_region_are_masked_too(draw: float, itself: bool) -> None:
    draws = torch.tensor([[draw, 0.9, 0.9, 0.0, 0.0]])
    paper = mask_regions(regions(), draws, RegionMasking())
    assert paper.is_target.tolist() == [[True, False, False, False]]
    assert paper.zeroed.tolist() == [[itself, True, False, False]]
    assert torch.equal(paper.not_summed, paper.not_counted)
    code = mask_regions(regions(), draws, RegionMasking(neighbours="uncounted"))
    assert code.zeroed.tolist() == [[itself, False, False, False]]
    assert code.not_counted.tolist() == [[True, True, False, False]]


def test_losses_of_exact_predictions_are_zero_and_count_what_was_masked() -> None:
    features, classes = torch.randn(3, 4), torch.randn(3, 4).softmax(-1)
    for loss in (
        masked_features_loss(features, features),
        masked_classes_loss(classes.log(), classes),
    ):
        assert (float(loss.total), float(loss.weight)) == (pytest.approx(0, abs=1e-5), 3)


def test_nothing_masked_is_a_loss_of_zero() -> None:
    for loss in (
        masked_features_loss(torch.zeros(0, 4), torch.zeros(0, 4)),
        masked_classes_loss(torch.zeros(0, 4), torch.zeros(0, 4)),
    ):
        assert (float(loss.total), float(loss.weight)) == (0, 0)
