"""Balancers in a loop of one's own leave the same gradients as in motet's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from motet.core import CheckpointError, ConfigError
from motet.training.balancers import BALANCERS, DWA, FAMO, RowMean, Weighted
from motet.training.balancers.own_loop import BalancedBackward

TASKS = ("a", "b", "c", "d")


def model() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"trunk": nn.Linear(3, 4), "heads": nn.ModuleDict({name: nn.Linear(4, 1) for name in TASKS})})


def losses(module: nn.ModuleDict, scale: float = 1.0) -> dict[str, Tensor]:
    x = torch.linspace(-1, 1, 15).reshape(5, 3)
    features = torch.tanh(module["trunk"](x))
    heads = module["heads"]
    return {
        name: scale**place * (heads[name](features) - 3 * place).square().mean() for place, name in enumerate(TASKS)
    }  # type: ignore[index]


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def test_a_weighted_sum_is_the_gradient_of_the_sum() -> None:
    one, other = model(), model()
    BalancedBackward(Weighted({"b": 0.25}), one, TASKS, shared=one["trunk"]).backward(losses(one))
    found = losses(other)
    (found["a"] + 0.25 * found["b"] + found["c"] + found["d"]).backward()
    expected = gradients(other)
    assert gradients(one).keys() == expected.keys()
    for name, gradient in gradients(one).items():
        assert torch.allclose(gradient, expected[name], atol=1e-6)


@pytest.mark.parametrize("name", sorted(BALANCERS))
def test_every_balancer_trains_a_module_without_a_system(name: str) -> None:
    balancer = Weighted({"a": 0.5}) if name == "Weighted" else BALANCERS[name]()
    module = model()
    balanced = BalancedBackward(balancer, module, TASKS, shared=module["trunk"])
    optimizer = torch.optim.SGD(module.parameters(), lr=0.02)
    before = {task: float(loss.detach()) for task, loss in losses(module).items()}
    for _ in range(60):
        optimizer.zero_grad()
        balanced.backward(losses(module))
        optimizer.step()
        if balanced.forwards_after_step:
            balanced.after_step(losses(module))
    after = {task: float(loss.detach()) for task, loss in losses(module).items()}
    assert sum(after.values()) < sum(before.values())


def test_a_method_that_weighs_tasks_differs_from_their_mean() -> None:
    found = []
    for balancer in (RowMean(), FAMO()):
        module = model()
        balanced = BalancedBackward(balancer, module, TASKS, shared=[module["trunk"]])
        for _ in range(3):
            module.zero_grad()
            balanced.backward(losses(module, scale=20.0))
            balanced.after_step(losses(module, scale=10.0))
        found.append(gradients(module)["trunk.weight"])
    ratio = found[0] / found[1]
    assert float(ratio.std()) > 1e-3  # not only another length


def test_its_memory_is_saved_and_restored() -> None:
    module = model()
    first = BalancedBackward(DWA(), module, TASKS, shared=module["trunk"])
    for _ in range(3):
        first.backward(losses(module))
    second = BalancedBackward(DWA(), module, TASKS, shared=module["trunk"])
    second.load_state_dict(first.state_dict())
    assert {name: value.tolist() for name, value in second.state_dict().items()} == {
        name: value.tolist() for name, value in first.state_dict().items()
    }
    with pytest.raises(CheckpointError):
        BalancedBackward(RowMean(), module, TASKS, shared=module["trunk"]).load_state_dict(first.state_dict())


def test_a_loss_that_does_not_fit_is_named() -> None:
    module = model()
    balanced = BalancedBackward(RowMean(), module, TASKS, shared=module["trunk"])
    with pytest.raises(ConfigError, match=r"got a loss of 'e'; want one of \['a', 'b', 'c', 'd'\]"):
        balanced.backward({"e": torch.zeros(())})
    with pytest.raises(ConfigError, match=r"the loss of 'a': got a tensor \(2,\); want a mean, a tensor \(\)"):
        balanced.backward({"a": torch.zeros(2)})
    with pytest.raises(ConfigError, match=r"tasks: got .*; want every name once, at least one"):
        BalancedBackward(RowMean(), module, ("a", "a"), shared=module["trunk"])
