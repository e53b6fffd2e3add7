"""Batches count alike: a task drawn twice counts twice, whatever the rows, on one rank or two."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from toy_gradients import TWO_RANKS, OnTwoRanks, batch, gradients, system, system_with_terms
from toy_runs import finish, start

from motet.training.balancers import BatchMean


def assert_like_hand(found, trained) -> None:
    for name, parameter in trained.named_parameters():
        if parameter.grad is None:
            assert found[name] is None, f"{name}: a task without rows moved"
        else:
            torch.testing.assert_close(found[name], parameter.grad, rtol=0, atol=1e-6)


def test_the_mean_over_batches_of_each_ones_own_means() -> None:
    drawn = [{"a": range(6)}, {"a": range(6, 8)}, {"b": range(3)}]
    trained = system()
    losses = [trained.losses(batch(rows)).tasks for rows in drawn]
    one, two, three = losses[0]["task_a"].total / 6, losses[1]["task_a"].total / 2, losses[2]["task_b"].total / 3
    ((one + two + three) / 3).backward()
    assert_like_hand(gradients(BatchMean(), [batch(rows) for rows in drawn]), trained)


def test_terms_are_means_over_their_own_things() -> None:
    drawn = [{"a": range(5)}, {"b": range(2)}]
    trained = system_with_terms()
    first, second = (trained.losses(batch(rows)) for rows in drawn)
    things = first.terms["task_a", "things"]
    ((things.total / things.weight + second.tasks["task_b"].total / 2) / 2).backward()
    assert_like_hand(gradients(BatchMean(), [batch(rows) for rows in drawn], system_with_terms), trained)


def test_two_ranks_give_what_one_gives(tmp_path: Path) -> None:
    assert finish(start(OnTwoRanks(tmp_path, {"batch mean": BatchMean()}), world=2)) == [0, 0]
    for case, ranks in TWO_RANKS.items():
        alone = gradients(BatchMean(), [batch(rows) for parts in ranks for rows in parts])
        for rank in range(2):
            found = torch.load(tmp_path / f"batch mean, {case}, {rank}.pt")
            for name, gradient in alone.items():
                if gradient is None:
                    assert found[name] is None
                else:
                    torch.testing.assert_close(found[name], gradient, rtol=0, atol=1e-6)


def test_a_batch_of_two_tasks_adds_their_means() -> None:
    rows, trained = {"a": range(4), "b": range(2)}, system()
    losses = trained.losses(batch(rows)).tasks
    (losses["task_a"].total / 4 + losses["task_b"].total / 2).backward()
    assert_like_hand(gradients(BatchMean(), [batch(rows)]), trained)
