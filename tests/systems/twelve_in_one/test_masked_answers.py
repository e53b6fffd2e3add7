"""How much of hidden regions is told: all, no more than the mean of the others tells, or less."""

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
TOLD = torch.tensor([[False, False, True, False], [True, True, False, False]])
"""The last region of the first picture is none."""


def read(said: torch.Tensor) -> EncodedPairs:
    """A pass whose states are what is said of each region, the whole picture in front."""
    valid = torch.tensor([[True, True, True, False], [True] * 4])
    boxes = torch.zeros(2, 4, 4)
    classes = FEATURES.softmax(-1)
    seen = PaddedRegions(FEATURES, boxes, valid, torch.ones(2, 2), valid, classes)
    states = torch.cat([torch.zeros(2, 1, 2), said], dim=1)
    text = torch.zeros(2, 1, 2)
    return EncodedPairs(
        PairStates(text, states, text[:, 0], text[:, 0]), text[:, 0], seen, RegionMask(TOLD, TOLD, TOLD, TOLD)
    )


def told(said: torch.Tensor, *, features: bool) -> list[float]:
    answers = MaskedRegionAnswers(torch.nn.Identity(), features)
    return [one.value for one in answers.predict(read(said), Target(torch.arange(2), {}))]


def in_sight() -> torch.Tensor:
    first, second = FEATURES[0, :2].mean(0), FEATURES[1, 2:].mean(0)
    return torch.stack([first, second])[:, None].expand(-1, 4, -1)


def test_who_tells_the_features_has_all_and_who_says_the_mean_has_nothing() -> None:
    assert told(FEATURES, features=True) == [1.0, 1.0]
    assert told(in_sight(), features=True) == pytest.approx([0.0, 0.0])
    # Half way to the truth leaves a quarter of the squared error.
    assert told((in_sight() + FEATURES) / 2, features=True) == pytest.approx([0.75, 0.75])
    assert told(FEATURES + 1000, features=True) == [-1.0, -1.0]


def test_classes_are_told_against_the_mean_of_the_classes_in_sight() -> None:
    assert told(FEATURES, features=False) == pytest.approx([1.0, 1.0])
    classes = FEATURES.softmax(-1)
    mean = torch.stack([classes[0, :2].mean(0), classes[1, 2:].mean(0)])[:, None].expand(-1, 4, -1)
    assert told((mean + 1e-4).log(), features=False) == pytest.approx([0.0, 0.0], abs=1e-5)


def test_where_nothing_is_hidden_nothing_is_told() -> None:
    nothing = read(FEATURES)
    none = torch.zeros_like(TOLD)
    nothing = replace(nothing, mask=RegionMask(none, none, none, none))
    found = MaskedRegionAnswers(torch.nn.Identity(), True).predict(nothing, Target(torch.arange(2), {}))
    assert [one.value for one in found] == [0.0, 0.0]
