"""Which experts a token goes to."""

import pytest
import torch

from motet.core import ConfigError
from motet.nn.gates import AttributeScores, ContextScores, NamedScores, TokenScores, best_of, load_balance, with_noise


def logits(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_best_k_keep_their_share_or_sum_to_one(k: int, normalize: bool) -> None:
    found = logits(7, 5)
    gates = best_of(found, k, normalize=normalize)
    softmax = found.softmax(-1)
    wanted = softmax.gather(1, gates.experts)
    assert torch.equal(gates.experts, softmax.argsort(-1, descending=True)[:, :k])
    if normalize and k > 1:
        wanted = wanted / wanted.sum(-1, keepdim=True)
    assert torch.allclose(gates.weights, wanted)
    assert torch.allclose(gates.dense().sum(-1), gates.weights.sum(-1))
    assert ((gates.dense() > 0).sum(-1) == k).all()


@pytest.mark.parametrize("k", [0, 6])
def test_more_experts_than_there_are_cannot_be_chosen(k: int) -> None:
    with pytest.raises(ConfigError, match=rf"gates.k: got {k} of 5 experts; want from 1 to 5"):
        best_of(logits(2, 5), k)


def test_noise_has_the_deviation_that_is_said() -> None:
    torch.manual_seed(0)
    found = with_noise(torch.zeros(4000, 8), 1.0)
    assert float(found.std()) == pytest.approx(1 / 8, rel=0.05)
    assert torch.equal(with_noise(logits(3, 4), 0.0), logits(3, 4))


def test_uneven_use_of_experts_costs_more() -> None:
    even = best_of(torch.eye(4).repeat(3, 1) * 5, 1)
    same = best_of(torch.tensor([[9.0, 0, 0, 0]]).repeat(12, 1), 1)
    assert float(load_balance(even)) == pytest.approx(1.0)
    assert float(load_balance(same)) > 3.9
    real = torch.arange(12) < 4
    mixed = best_of(torch.cat([torch.eye(4) * 5, torch.tensor([[9.0, 0, 0, 0]]).repeat(8, 1)]), 1)
    assert float(load_balance(mixed, real)) == pytest.approx(1.0)


def test_a_context_is_that_of_real_tokens_alone() -> None:
    torch.manual_seed(0)
    scores = ContextScores(8, 2, 3)
    x = torch.randn(2, 5, 8)
    valid = torch.tensor([[True] * 5, [True, True, True, False, False]])
    summary = scores.pool(x, valid)
    alone = scores.pool(x[1:, :3], None)
    assert torch.allclose(summary[1:], alone, atol=1e-6)
    assert scores(x, summary).shape == (2, 5, 3)
    wanted = scores.scores(torch.cat([x[0, 0], summary[0]]))
    assert torch.allclose(scores(x, summary)[0, 0], wanted, atol=1e-6)


def test_names_and_attributes_are_rows() -> None:
    torch.manual_seed(0)
    named, said, own = NamedScores(("a.b", "c"), 4, 3), AttributeScores(8, 4, 3), TokenScores(4, 3)
    both = named(["c", "a.b"])
    assert both.shape == (2, 3)
    assert torch.allclose(both[:1], named(["c"]))
    assert torch.allclose(said(torch.eye(8))[2:3], said(torch.eye(8)[2:3]), atol=1e-6)
    assert torch.allclose(own(torch.ones(1, 2, 4))[0, 0], own.out.weight.sum(1))
