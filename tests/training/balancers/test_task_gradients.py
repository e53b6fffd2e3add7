"""Gradient methods: what conflicting tasks come to, by hand; one task, parts and ranks as the plain sum has them."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_gradients import ROWS, TWO_RANKS, OnTwoRanks, batch, gradients, system, system_with_terms
from toy_runs import finish, start

from motet.core import ConfigError, Losses
from motet.training.balancers import MGDA, BackwardCost, Balancer, CAGrad, PCGrad, TaskMean, Uncertainty, UPGrad
from motet.training.balancers.gramian_methods import GramianMethod

METHODS: dict[str, GramianMethod] = {"pcgrad": PCGrad(), "upgrad": UPGrad(), "cagrad": CAGrad(), "mgda": MGDA()}
BALANCERS: dict[str, Balancer] = dict(METHODS)
BALANCERS["uncertainty"] = Uncertainty()
# Two that point against each other, and a third beside them.
JACOBIAN = torch.tensor([[2.0, 0.0, 1.0], [-1.0, 0.5, 0.0], [0.0, 1.0, 0.5]], dtype=torch.float64)


def taken(method: GramianMethod, jacobian: Tensor = JACOBIAN) -> Tensor:
    return method.weights(jacobian @ jacobian.T, 0) @ jacobian


def test_pcgrad_of_two_tasks_by_hand() -> None:
    a, b = JACOBIAN[:2]
    want = a - (a @ b) / (b @ b) * b + b - (a @ b) / (a @ a) * a
    torch.testing.assert_close(taken(PCGrad(), JACOBIAN[:2]), want)


def test_pcgrads_order_is_its_seed_and_disturbs_nobody() -> None:
    products = JACOBIAN @ JACOBIAN.T
    products[0, 2] = products[2, 0] = -0.3
    before = torch.get_rng_state()
    found = {tuple(PCGrad().weights(products, seed).tolist()) for seed in range(20) for _ in range(2)}
    assert 1 < len(found) <= 8
    assert torch.equal(torch.get_rng_state(), before)


def test_upgrad_worsens_no_task_and_is_nearest() -> None:
    found = taken(UPGrad())
    assert float((JACOBIAN @ found).min()) > -1e-3
    # Each part is the nearest point of the cone: what it is away points against the cone's every direction.
    one = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(taken(UPGrad(), one), torch.tensor([0.5, 1.5], dtype=torch.float64), rtol=0, atol=1e-3)


def test_cagrad_helps_the_worst_off_most_within_its_ball() -> None:
    c, jacobian = 0.4, JACOBIAN[:2]
    found = taken(CAGrad(c), jacobian) * (1 + c**2) / 2
    mean = jacobian.mean(0)
    assert float((found - mean).norm()) == pytest.approx(c * float(mean.norm()), rel=1e-3)
    worst = float((jacobian @ found).min())
    for angle in np.linspace(0, 2 * math.pi, 400):
        plane = torch.linalg.qr(jacobian.T).Q @ torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
        assert float((jacobian @ (mean + c * mean.norm() * plane)).min()) <= worst + 1e-3


def test_mgda_is_the_shortest_between() -> None:
    found = taken(MGDA(), JACOBIAN[:2]) / 2
    lengths = [float((w * JACOBIAN[0] + (1 - w) * JACOBIAN[1]).norm()) for w in np.linspace(0, 1, 1001)]
    assert float(found.norm()) == pytest.approx(min(lengths), abs=1e-3)


@pytest.mark.parametrize("name", ["pcgrad", "upgrad"])
def test_tasks_that_agree_are_added(name: str) -> None:
    agreeing = JACOBIAN.abs()
    torch.testing.assert_close(taken(METHODS[name], agreeing), agreeing.sum(0))


@pytest.mark.parametrize("name", METHODS)
def test_the_order_of_tasks_does_not_matter(name: str) -> None:
    two = JACOBIAN[:2]
    torch.testing.assert_close(taken(METHODS[name], two), taken(METHODS[name], two.flip(0)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_one_task_is_the_plain_sum(name: str) -> None:
    rows = [batch({"a": range(4)}), batch({"a": range(4, 9)})]
    assert_equal(gradients(BALANCERS[name], rows), gradients(TaskMean(), rows))


def by_hand(name: str, made=system) -> dict[str, Tensor | None]:
    """Each task's gradient by itself, then the method on the trunk's; heads keep their own."""
    trained = made()
    losses = trained.losses(batch(ROWS))
    means = {task: loss.total / loss.weight for task, loss in losses.tasks.items()}
    for (task, _), loss in losses.terms.items():
        means[task] = means[task] + loss.total / loss.weight
    shared = [p for block in trained.shared_blocks().values() for p in block]
    if name == "uncertainty":
        torch.stack([mean.log() / 2 for mean in means.values()]).sum().backward()
        return {name: parameter.grad for name, parameter in trained.named_parameters()}
    torch.stack(list(means.values())).sum().backward(retain_graph=True)
    rows = torch.stack(
        [
            torch.cat([g.flatten() for g in torch.autograd.grad(mean, shared, retain_graph=True)])
            for mean in means.values()
        ]
    )
    weights = METHODS[name].weights((rows @ rows.T).double(), 0)
    for parameter, part in zip(shared, (weights.float() @ rows).split([p.numel() for p in shared]), strict=True):
        parameter.grad = part.view_as(parameter)
    return {name: parameter.grad for name, parameter in trained.named_parameters()}


def assert_equal(found: Mapping[str, Tensor | None], want: Mapping[str, Tensor | None]) -> None:
    assert found.keys() == want.keys()
    for name, gradient in want.items():
        if gradient is None:
            assert found[name] is None, f"{name}: a task without rows moved"
        else:
            torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6)


@pytest.mark.parametrize("made", [system, system_with_terms], ids=["rows", "terms"])
@pytest.mark.parametrize("name", BALANCERS)
def test_parts_of_a_batch_give_what_the_whole_gives(name: str, made) -> None:
    want = by_hand(name, made)
    assert want["heads.task_c.weight"] is None
    whole = [batch(ROWS)]
    parts = [batch(rows) for rows in ({"a": range(2), "b": range(1)}, {"b": range(1, 3)}, {"a": range(2, 9)})]
    assert_equal(gradients(BALANCERS[name], whole, made), want)
    assert_equal(gradients(BALANCERS[name], parts, made), want)


@pytest.mark.parametrize("name", BALANCERS)
def test_nothing_to_learn_from_leaves_no_gradient(name: str) -> None:
    assert all(gradient is None for gradient in gradients(BALANCERS[name], []).values())


@pytest.mark.parametrize("name", METHODS)
def test_a_task_without_a_gradient_has_no_say(name: str) -> None:
    trained = system()
    losses = trained.losses(batch(ROWS)).tasks
    nothing = type(losses["task_a"])(losses["task_a"].total * 0, losses["task_a"].weight * 0)
    BALANCERS[name].start(trained).backward([Losses({"task_a": nothing, "task_b": losses["task_b"]})], trained)
    want = system()
    (want.losses(batch(ROWS)).tasks["task_b"].total / 3).backward()
    torch.testing.assert_close(trained.trunk.weight.grad, want.trunk.weight.grad)


def test_what_each_task_was_multiplied_with_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = system()
    monkeypatch.setattr(trained, "task_weights", lambda: {"task_a": 2.0, "task_b": 1.0, "task_c": 0.5})
    told = CAGrad(c=0.0).start(trained).backward([trained.losses(batch(ROWS))], trained)
    assert told == pytest.approx({"task_a": 2.0, "task_b": 1.0, "task_c": 0.5})


def test_the_cost_is_known_before_the_run() -> None:
    trained = system()
    shared = sum(p.numel() for block in trained.shared_blocks().values() for p in block)
    assert PCGrad().cost(trained) == BackwardCost(3, 4 * 3 * shared)


@pytest.mark.parametrize("method", [PCGrad(), UPGrad(), MGDA()], ids=lambda method: type(method).__name__)
def test_a_package_that_is_not_there_is_named(method: GramianMethod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    with pytest.raises(ConfigError, match=r"got no torchjd; want it installed \(pip install 'motet\[balance\]'\)"):
        taken(method)


def test_numbers_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"CAGrad.c: got -1; want 0 or more"):
        CAGrad(c=-1)
    with pytest.raises(ConfigError, match=r"Uncertainty.min_loss: got 0; want a positive number"):
        Uncertainty(min_loss=0)


def test_two_ranks_give_what_one_process_gives(tmp_path: Path) -> None:
    assert finish(start(OnTwoRanks(tmp_path, BALANCERS), world=2)) == [0, 0]
    for name in BALANCERS:
        for kind, made in (("", system), (" of terms", system_with_terms)):
            want = by_hand(name, made)
            for case in TWO_RANKS:
                for number in (0, 1):
                    file = tmp_path / f"{name}{kind}, {case}, {number}.pt"
                    assert_equal(torch.load(file, weights_only=True), want)
