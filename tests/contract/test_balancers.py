"""What every balancer is held to: sums divided once, whatever the parts and ranks; absent tasks stay still."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from toy_gradients import BALANCERS, ROWS, TWO_RANKS, OnTwoRanks, batch, gradients, system, system_with_terms
from toy_runs import finish, start

from motet.core import Batch, ConfigError, Losses
from motet.training.balancers import TaskMean, Weighted


def by_hand(name: str) -> dict[str, Tensor | None]:
    trained = system()
    losses = trained.losses(batch(ROWS)).tasks
    a, b = losses["task_a"].total, losses["task_b"].total
    total = {"row mean": (a + b) / 12, "task mean": a / 9 + b / 3, "weighted": 0.3 * a / 9 + 2.0 * b / 3}[name]
    total.backward()
    return {name: parameter.grad for name, parameter in trained.named_parameters()}


def terms_by_hand(name: str) -> dict[str, Tensor | None]:
    """task_a is a mean over things; it still counts as one task, or as its nine rows."""
    trained = system_with_terms()
    losses = trained.losses(batch(ROWS))
    things = losses.terms["task_a", "things"]
    a, b = things.total / things.weight, losses.tasks["task_b"].total / 3
    {"row mean": (9 * a + 3 * b) / 12, "task mean": a + b, "weighted": 0.3 * a + 2.0 * b}[name].backward()
    return {name: parameter.grad for name, parameter in trained.named_parameters()}


def assert_equal(found: Mapping[str, Tensor | None], want: Mapping[str, Tensor | None]) -> None:
    assert found.keys() == want.keys()
    for name, gradient in want.items():
        if gradient is None:
            assert found[name] is None, f"{name}: a task without rows moved"
        else:
            torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6)


CUTS = {
    "whole": [ROWS],
    "two halves": [{"a": range(5)}, {"a": range(5, 9), "b": range(3)}],
    "three parts, one task apart": [{"a": range(2), "b": range(1)}, {"b": range(1, 3)}, {"a": range(2, 9)}],
}


@pytest.mark.parametrize("name", BALANCERS)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_parts_of_a_batch_give_the_gradient_of_the_whole(name: str, cut: list[Mapping[str, Sequence[int]]]) -> None:
    found = gradients(BALANCERS[name], [batch(rows) for rows in cut])
    assert found["heads.task_c.weight"] is None
    assert_equal(found, by_hand(name))


@pytest.mark.parametrize("name", BALANCERS)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_loss_of_terms_is_divided_by_their_own_weights(name: str, cut: list[Mapping[str, Sequence[int]]]) -> None:
    found = gradients(BALANCERS[name], [batch(rows) for rows in cut], system_with_terms)
    assert_equal(found, terms_by_hand(name))


@pytest.mark.parametrize("name", BALANCERS)
def test_the_order_of_parts_does_not_matter(name: str) -> None:
    cut = [batch(rows) for rows in CUTS["three parts, one task apart"]]
    assert_equal(gradients(BALANCERS[name], cut), gradients(BALANCERS[name], cut[::-1]))


@pytest.mark.parametrize("name", BALANCERS)
def test_nothing_to_learn_from_leaves_no_gradient(name: str) -> None:
    assert all(gradient is None for gradient in gradients(BALANCERS[name], []).values())
    assert all(gradient is None for gradient in gradients(BALANCERS[name], [Batch((), {}, {})] * 2).values())


@pytest.mark.parametrize("name", BALANCERS)
def test_rows_that_count_nothing_give_zero_and_not_nan(name: str) -> None:
    trained = system()
    losses = trained.losses(batch({"a": range(2)}))
    loss = losses.tasks["task_a"]
    nothing = Losses({"task_a": type(loss)(loss.total * 0, loss.weight * 0)})
    BALANCERS[name].backward([nothing], trained)
    gradient = trained.trunk.weight.grad
    assert gradient is not None
    assert float(gradient.abs().sum()) == 0


def test_a_systems_own_weights_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = system()
    monkeypatch.setattr(trained, "task_weights", lambda: {"task_a": 2.0, "task_b": 0.0, "task_c": 1.0})
    assert TaskMean().backward([trained.losses(batch(ROWS))], trained) == trained.task_weights()
    want = system()
    (2 * want.losses(batch(ROWS)).tasks["task_a"].total / 9).backward()
    torch.testing.assert_close(trained.trunk.weight.grad, want.trunk.weight.grad)


def test_a_weight_for_no_task_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 'task_d', which is no task; did you mean"):
        Weighted({"task_d": 1.0}).backward([], system())
    with pytest.raises(ConfigError, match="want 0 or more"):
        Weighted({"task_a": -1.0})


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Tensor | None]]:
    folder = tmp_path_factory.mktemp("ranks")
    assert finish(start(OnTwoRanks(folder), world=2)) == [0, 0]
    return lambda name: torch.load(folder / f"{name}.pt", weights_only=True)


@pytest.mark.parametrize("name", BALANCERS)
@pytest.mark.parametrize("case", TWO_RANKS)
def test_two_ranks_give_what_one_process_gives(
    two_ranks: Callable[[str], dict[str, Tensor | None]], name: str, case: str
) -> None:
    for number in (0, 1):
        assert_equal(two_ranks(f"{name}, {case}, {number}"), by_hand(name))


@pytest.mark.parametrize("name", BALANCERS)
@pytest.mark.parametrize("case", TWO_RANKS)
def test_two_ranks_divide_terms_as_one_process_does(
    two_ranks: Callable[[str], dict[str, Tensor | None]], name: str, case: str
) -> None:
    for number in (0, 1):
        assert_equal(two_ranks(f"{name} of terms, {case}, {number}"), terms_by_hand(name))
