"""Prediction of masked regions: exact, as good as the mean of the visible regions, or worse."""

from dataclasses import replace

import pytest
import torch

from motet.core import Target
from motet.systems.twelve_in_one.answers import EncodedPairs
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.masked_answers import MaskedRegionAnswers
from motet.systems.twelve_in_one.regions import PaddedRegions, RegionMask

FEATURES = torch.tensor(
    [[[1.0, 0.0], [0.0, 3.0], [2.0, 2.0], [9.0, 9.0]], [[4.0, 0.0], [0.0, 0.0], [0.0, 8.0], [1.0, 1.0]]]
)
IS_MASKED = torch.tensor([[False, False, True, False], [True, True, False, False]])
"""Masks of regions; the last region of the first image is padding."""


def read(predicted: torch.Tensor) -> EncodedPairs:
    """Pairs whose region states are the predictions, the whole image first."""
    valid = torch.tensor([[True, True, True, False], [True] * 4])
    boxes = torch.zeros(2, 4, 4)
    classes = FEATURES.softmax(-1)
    regions = PaddedRegions(FEATURES, boxes, valid, torch.ones(2, 2), valid, classes)
    states = torch.cat([torch.zeros(2, 1, 2), predicted], dim=1)
    text = torch.zeros(2, 1, 2)
    return EncodedPairs(
        PairStates(text, states, text[:, 0], text[:, 0]),
        text[:, 0],
        regions,
        RegionMask(IS_MASKED, IS_MASKED, IS_MASKED, IS_MASKED),
    )


def scores(predicted: torch.Tensor, *, features: bool) -> list[float]:
    answers = MaskedRegionAnswers(torch.nn.Identity(), features)
    return [one.value for one in answers.predict(read(predicted), Target(torch.arange(2), {}))]


def visible_mean() -> torch.Tensor:
    first, second = FEATURES[0, :2].mean(0), FEATURES[1, 2:].mean(0)
    return torch.stack([first, second])[:, None].expand(-1, 4, -1)


def test_exact_features_score_one_and_their_mean_scores_zero() -> None:
    assert scores(FEATURES, features=True) == [1.0, 1.0]
    assert scores(visible_mean(), features=True) == pytest.approx([0.0, 0.0])
    # Half way to the target leaves a quarter of the squared error.
    assert scores((visible_mean() + FEATURES) / 2, features=True) == pytest.approx([0.75, 0.75])
    assert scores(FEATURES + 1000, features=True) == [-1.0, -1.0]


def test_classes_are_scored_against_the_mean_of_the_visible_classes() -> None:
    assert scores(FEATURES, features=False) == pytest.approx([1.0, 1.0])
    classes = FEATURES.softmax(-1)
    mean = torch.stack([classes[0, :2].mean(0), classes[1, 2:].mean(0)])[:, None].expand(-1, 4, -1)
    assert scores((mean + 1e-4).log(), features=False) == pytest.approx([0.0, 0.0], abs=1e-5)


def test_rows_without_masked_regions_score_zero() -> None:
    nothing = read(FEATURES)
    none = torch.zeros_like(IS_MASKED)
    nothing = replace(nothing, mask=RegionMask(none, none, none, none))
    found = MaskedRegionAnswers(torch.nn.Identity(), True).predict(nothing, Target(torch.arange(2), {}))
    assert [one.value for one in found] == [0.0, 0.0]
