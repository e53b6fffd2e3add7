"""Keys, sums and weights of balancers; their gradients are held in `tests/contract/test_balancers.py`."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from toy_gradients import ROWS, Forward, batch, system, system_with_terms

from motet.core import ConfigError
from motet.training.balancers import RowMean, TaskMean, Uncertainty, Weighted, loss_keys, losses_by_key
from motet.training.balancers.parts import forward_parts, nonzero


def test_keys_are_those_of_the_system_and_not_of_the_batch() -> None:
    trained: Any = SimpleNamespace(tasks={"a": 0, "b": 0, "c": 0}, loss_terms={"c": ("x",), "a": ("y", "z")})
    assert loss_keys(trained) == (("a", ""), ("b", ""), ("c", ""), ("a", "y"), ("a", "z"), ("c", "x"))


def test_a_part_has_its_own_sums_and_its_terms() -> None:
    part = system_with_terms().losses(batch(ROWS))
    found = losses_by_key(part)
    assert set(found) == {("task_a", ""), ("task_b", ""), ("task_a", "things")}
    assert found["task_a", "things"] is part.terms["task_a", "things"]


def test_weights_of_nothing_divide_without_a_nan() -> None:
    zero = torch.zeros(2)
    assert bool((zero / nonzero(zero) == 0).all())
    assert nonzero(torch.tensor([3.0])).tolist() == [3.0]


def test_one_part_is_forwarded_once_and_several_twice() -> None:
    trained = system()
    calls: list[int] = []

    class Counted(Forward):
        def __getitem__(self, place: Any) -> Any:
            if isinstance(place, int) and place < len(self.batches):
                calls.append(place)
            return super().__getitem__(place)

    one = forward_parts(Counted(trained, [batch(ROWS)]), trained)
    assert len(list(one.parts)) == 1
    assert calls == [0]
    assert one.weights[:2].tolist() == [9.0, 3.0]
    calls.clear()
    two = forward_parts(Counted(trained, [batch({"a": range(4)}), batch({"a": range(4, 9), "b": range(3)})]), trained)
    assert len(list(two.parts)) == 2
    assert calls == [0, 1, 0, 1]
    torch.testing.assert_close(two.weights, one.weights)
    torch.testing.assert_close(two.totals, one.totals, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("balancer", [RowMean(), TaskMean()], ids=["rows", "tasks"])
def test_the_factors_are_those_of_the_system(balancer: Any) -> None:
    trained = system()
    factors = balancer.backward(Forward(trained, [batch(ROWS)]), trained)
    assert factors == trained.task_weights()


def test_uncertainty_halves_each_tasks_log() -> None:
    trained = system()
    with torch.no_grad():
        losses = trained.losses(batch(ROWS)).tasks
    factors = Uncertainty().start(trained).backward(Forward(trained, [batch(ROWS)]), trained)
    for task in ("task_a", "task_b"):
        mean = float(losses[task].total / losses[task].weight)
        assert factors[task] == pytest.approx(1 / (2 * mean), rel=1e-5)
    capped = Uncertainty(min_loss=100.0).start(trained).backward(Forward(trained, [batch(ROWS)]), trained)
    assert capped["task_a"] == pytest.approx(1 / 200)


def test_weights_of_some_tasks() -> None:
    assert Weighted({"a": 1.0, "b": 2.0}).restrict(("b",), ("x",)) == Weighted({"b": 2.0})


def test_learning_rates_become_weights_or_one_line() -> None:
    assert dict(Weighted.from_lrs({"a": 1e-4, "b": 3e-4}).by_task) == pytest.approx({"a": 1.0, "b": 3.0})
    for lrs in ({}, {"a": 0.0, "b": 1.0}):
        with pytest.raises(ConfigError, match=r"Weighted.from_lrs: got .*; want a positive learning rate per task"):
            Weighted.from_lrs(lrs)


def test_a_weight_of_no_task_is_named_with_the_nearest() -> None:
    trained = system()
    with pytest.raises(ConfigError, match=r"Weighted: got 'task_q', which is no task; did you mean"):
        Weighted({"task_q": 1.0}).backward(Forward(trained, [batch(ROWS)]), trained)
    with pytest.raises(ConfigError, match=r"Weighted: x: got -1.0; want 0 or more"):
        Weighted({"x": -1.0})
