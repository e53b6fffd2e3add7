"""Similarities: scaled cosines."""

import math

import pytest
import torch

from motet.systems.uni_perceiver.similarity import MAX_SCALE, Similarity
from motet.systems.uni_perceiver.targets import Family


@pytest.fixture
def similarity():
    torch.manual_seed(0)
    return Similarity(8, (Family.IMAGE_CLASS, Family.MATCH))


def test_scores_are_cosines_times_the_scale_of_the_family(similarity) -> None:
    states = torch.randn(5, 8)
    features = similarity.features(states)
    assert torch.allclose(features.norm(dim=-1), torch.ones(5))
    scores = similarity.scores(features, features, Family.MATCH)
    assert torch.allclose(scores.diagonal(), torch.full((5,), 1 / 0.07), rtol=1e-5)
    assert scores.abs().max() <= 1 / 0.07 + 1e-3
    assert torch.allclose(scores, scores.T, atol=1e-5)


def test_features_do_not_depend_on_the_scale_of_states(similarity) -> None:
    states = torch.randn(5, 8)
    assert torch.allclose(similarity.features(states), similarity.features(100 * states), atol=1e-4)


def test_a_large_scale_is_clipped_and_stays_so(similarity) -> None:
    with torch.no_grad():
        similarity.log_scales["picture"].fill_(math.log(1e4))
    assert float(similarity.scale(Family.IMAGE_CLASS).detach()) == MAX_SCALE
    assert float(similarity.scale(Family.MATCH).detach()) == pytest.approx(1 / 0.07)


def test_scales_keep_the_names_of_saved_models(similarity) -> None:
    assert {name for name in similarity.state_dict() if "scales" in name} == {"log_scales.picture", "log_scales.fit"}
