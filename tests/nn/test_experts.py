"""Experts: merged and dispatched, against a plain loop over all of them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from motet.nn.experts import ConditionalLinear, Dispatched, Merged
from motet.nn.gates import Gates, best_of

EXPERTS, WIDTH, OUT = 5, 6, 4


@pytest.fixture
def layer() -> ConditionalLinear:
    torch.manual_seed(0)
    layer = ConditionalLinear(WIDTH, OUT, EXPERTS)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    return layer


def tokens(k: int, rows: int = 2, count: int = 9) -> tuple[Tensor, Gates]:
    torch.manual_seed(1)
    return torch.randn(rows, count, WIDTH, requires_grad=True), best_of(torch.randn(rows, count, EXPERTS), k)


def loop(layer: ConditionalLinear, x: Tensor, gates: Gates) -> Tensor:
    """Every expert on every token, weighted."""
    every = torch.stack([F.linear(x, w, b) for w, b in zip(layer.weight, layer.bias, strict=True)], -2)
    return (gates.dense()[..., None] * every).sum(-2)


def test_all_experts_start_alike() -> None:
    layer = ConditionalLinear(WIDTH, OUT, EXPERTS)
    assert (layer.weight == layer.weight[0]).all()
    assert (layer.bias == layer.bias[0]).all()


@pytest.mark.parametrize("k", [1, 2, EXPERTS])
@pytest.mark.parametrize("some_fill_up", [False, True])
def test_dispatched_tokens_give_what_a_loop_over_experts_gives(layer, k: int, some_fill_up: bool) -> None:
    x, gates = tokens(k)
    valid = torch.rand(2, 9) < 0.6 if some_fill_up else None
    real = torch.ones(2, 9, dtype=torch.bool) if valid is None else valid
    got, wanted = layer(x, Dispatched(gates, valid)), loop(layer, x, gates) * real[..., None]
    assert torch.allclose(got, wanted, atol=1e-5)
    weight = torch.randn_like(got)
    names = [x, layer.weight, layer.bias]
    for ours, theirs in zip(
        torch.autograd.grad((got * weight).sum(), names), torch.autograd.grad((wanted * weight).sum(), names),
        strict=True,
    ):  # fmt: skip
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_gates_learn_from_what_their_experts_say(layer) -> None:
    x, _ = tokens(2)
    scores = torch.randn(2, 9, EXPERTS, requires_grad=True)
    weight = torch.randn(2, 9, OUT)
    got = torch.autograd.grad((layer(x, Dispatched(best_of(scores, 2))) * weight).sum(), scores)[0]
    wanted = torch.autograd.grad((loop(layer, x, best_of(scores, 2)) * weight).sum(), scores)[0]
    assert torch.allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2])
def test_no_expert_computes_a_token_that_was_not_sent_to_it(layer, k: int) -> None:
    x, gates = tokens(k)
    valid = torch.arange(9).expand(2, 9) < 7
    decision = Dispatched(gates, valid)
    wanted = torch.bincount(gates.experts[valid].flatten(), minlength=EXPERTS)
    assert decision.plan.counts.tolist() == wanted.tolist()
    with FlopCounterMode(display=False) as counter:
        layer(x, decision)
    # Adding up each token's k answers is no product.
    assert counter.get_total_flops() == 2 * 14 * k * OUT * WIDTH


def test_an_expert_without_tokens_gets_a_gradient_of_zeros(layer) -> None:
    x, _ = tokens(1)
    scores = torch.tensor([5.0, 4, 0, 0, 0]).expand(2, 9, EXPERTS)
    layer(x, Dispatched(best_of(scores, 2))).sum().backward()
    assert layer.weight.grad[:2].abs().sum() > 0
    assert (layer.weight.grad[2:] == 0).all()


def test_two_layers_share_a_plan_and_may_leave_out_the_first_tokens(layer) -> None:
    x, gates = tokens(2)
    decision = Dispatched(gates)
    assert decision.plan is decision.plan
    cut = decision.without(3)
    assert torch.allclose(layer(x[:, 3:], cut), layer(x, decision)[:, 3:], atol=1e-6)


def test_merged_experts_are_the_mixture(layer) -> None:
    x, _ = tokens(2)
    rows = best_of(torch.randn(2, EXPERTS), 2)
    merged = Merged(rows, ((4, 1), (5, 0)))
    which = torch.tensor([1] * 4 + [0] * 5).expand(2, 9)
    same = Gates(rows.experts[which], rows.weights[which], rows.probabilities[which])
    assert torch.allclose(layer(x, merged), loop(layer, x, same), atol=1e-5)
    assert torch.allclose(layer(x[:, 2:], merged.without(2)), layer(x, merged)[:, 2:], atol=1e-6)
    one = layer(x, Merged(rows, ((9, 0),)))
    assert torch.allclose(one, layer.linear(rows, 0)(x), atol=1e-6)


def test_only_the_chosen_experts_of_a_merge_learn(layer) -> None:
    x, _ = tokens(2)
    rows = best_of(torch.tensor([[3.0, 2, 1, 0, 0]]), 2)
    layer(x, Merged(rows, ((9, 0),))).square().sum().backward()
    assert (layer.weight.grad[2:] == 0).all()
    assert (layer.weight.grad[:2].abs().sum((1, 2)) > 0).all()
