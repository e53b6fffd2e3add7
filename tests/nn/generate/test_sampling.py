import pytest
import torch
from history_model import unprompted

from motet.core import ConfigError
from motet.nn.generate import Sampling
from motet.nn.generate.sampling import truncated_logits

LOGITS = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()


def kept(sample):
    return truncated_logits(LOGITS, sample)[0].isfinite().tolist()


def test_top_k_keeps_the_k_top_k():
    assert kept(Sampling(top_k=2)) == [True, True, False, False]
    assert kept(Sampling(top_k=9)) == [True] * 4


@pytest.mark.parametrize(("top_p", "number"), [(0.3, 1), (0.41, 2), (0.69, 2), (0.71, 3), (1.0, 4)])
def test_the_token_that_crosses_the_nucleus_is_kept(top_p, number):
    assert kept(Sampling(top_p=top_p)) == [True] * number + [False] * (4 - number)


def test_the_nucleus_is_found_among_the_k_top_k():
    # 0.4 of 0.7 is 0.57: the likeliest alone does not reach 0.6, both do.
    assert kept(Sampling(top_k=2, top_p=0.6)) == [True, True, False, False]
    assert kept(Sampling(top_k=2, top_p=0.5)) == [True, False, False, False]


def test_draws_follow_the_probabilities(model):
    drawn = unprompted(model, Sampling(), 1, torch.Generator().manual_seed(0), images=[0] * 4000)
    features, _ = model.read(model.start([0]), torch.zeros(1, 1, dtype=torch.long))
    logits = model.logits(features[0, 0])
    logits[0] = float("-inf")
    frequencies = torch.bincount(drawn.tokens.flatten(), minlength=9) / 4000
    torch.testing.assert_close(frequencies, logits.softmax(-1), atol=0.03, rtol=0)


def test_the_best_of_several_draws_comes_first(model):
    many = unprompted(model, Sampling(num_samples=5), 6, torch.Generator().manual_seed(0))
    assert many.tokens.shape == (6, 5, 6)
    ended = many.log_probs.masked_fill(~many.finished, float("-inf"))
    assert many.finished[:, 0].all()
    assert torch.equal(many.log_probs[:, 0], ended.max(dim=1).values)
    assert len(many.tokens[0].unique(dim=0)) > 1


@pytest.mark.parametrize(
    "fields", [{"temperature": -0.1}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.1}, {"num_samples": 0}]
)
def test_numbers_out_of_range_are_refused(fields):
    with pytest.raises(ConfigError, match=f"Sampling.{next(iter(fields))}: got"):
        Sampling(**fields)
