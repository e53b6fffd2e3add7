"""Groups from affinities: the best partition within a budget, and the comparison with the grid of pairs."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import torch

from motet.analysis.groups import Change, GroupChanges
from motet.analysis.task_affinity import TaskAffinity, best_partition, compare_with_grid, rank_correlation
from motet.core import ConfigError


def found(affinity: np.ndarray, cosine: np.ndarray | None = None) -> TaskAffinity:
    zeros = np.zeros_like(affinity)
    return TaskAffinity(
        names=tuple("abcdefghijklm"[: len(affinity)]),
        affinity=affinity,
        affinity_spread=zeros,
        cosine=zeros if cosine is None else cosine,
        cosine_spread=zeros,
        measured=3,
        passes=90,
    )


def test_means_and_spreads_come_from_the_sums() -> None:
    numbers = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[2.0, 4.0], [3.0, 8.0]]], dtype=torch.float64)
    sums = {"": numbers.sum(0), "_squared": (numbers**2).sum(0), "_count": torch.full((2, 2), 2.0)}
    state = {name + part: value for name in ("affinity", "cosine") for part, value in sums.items()}
    state |= {"measured": torch.tensor([2.0]), "passes": torch.tensor([22.0])}
    read = TaskAffinity.of_state(("x", "y"), state)
    np.testing.assert_allclose(read.affinity, numbers.mean(0))
    np.testing.assert_allclose(read.cosine_spread, numbers.std(0))
    assert (read.measured, read.passes) == (2, 22)
    with pytest.raises(ConfigError, match="got a run without a measurement"):
        TaskAffinity.of_state(("x", "y"), state | {"measured": torch.tensor([0.0])})


def test_groups_have_the_means_of_their_tasks() -> None:
    affinity = np.arange(9.0).reshape(3, 3)
    grouped = found(affinity).of_groups({"one": ("a", "c"), "two": ("b",)})
    np.testing.assert_allclose(grouped.affinity, [[4.0, 4.0], [4.0, 4.0]])
    assert grouped.names == ("one", "two")


@pytest.mark.parametrize("models", [1, 2, 3, 4])
def test_the_best_partition_is_that_of_all(models: int) -> None:
    affinity = np.random.default_rng(models).normal(size=(4, 4))

    def score(parts: list[list[int]]) -> float:
        return sum(
            float(np.mean([affinity[i, j] for i in part if i != j])) for part in parts if len(part) > 1 for j in part
        )

    every = [
        [[place for place in range(4) if labels[place] == label] for label in sorted(set(labels))]
        for labels in product(range(models), repeat=4)
    ]
    want = max(score(parts) for parts in every)
    best = best_partition(found(affinity), models)
    assert len(best.parts) <= models
    assert score([["abcd".index(name) for name in part] for part in best.parts]) == pytest.approx(want)
    assert len(best.reasons) == 1 + len(best.parts)


def test_a_budget_that_cannot_be_and_too_many_groups() -> None:
    with pytest.raises(ConfigError, match="models: got 0; want 1 or more"):
        best_partition(found(np.zeros((2, 2))), 0)
    with pytest.raises(ConfigError, match="got 13 groups; want 11 or fewer"):
        best_partition(found(np.zeros((13, 13))), 2)


def test_pairs_are_ordered_with_the_helper_first() -> None:
    affinity = np.array([[0.0, 0.1, 0.2], [0.3, 0.0, 0.4], [0.5, 0.6, 0.0]])
    changes = {
        (helped, (helper,)): Change({0: 10 * float(affinity["abc".index(helper), "abc".index(helped)])})
        for one in combinations("abc", 2)
        for helper, helped in (one, one[::-1])
    }
    compared = compare_with_grid(found(affinity, -affinity), GroupChanges(names=("a", "b", "c"), changes=changes))
    assert len(compared.pairs) == 6
    assert compared.pairs[0] == ("a", "b", 0.1, -0.1, 1.0)
    assert compared.affinity == (1.0, 0.0)
    assert compared.cosine == (-1.0, 0.0)
    with pytest.raises(ConfigError, match="got the groups x; want those that were measured: a, b, c"):
        compare_with_grid(found(affinity), GroupChanges(names=("x",), changes={}))


def test_two_numbers_have_no_rank_correlation() -> None:
    assert rank_correlation([1.0, 2.0], [1.0, 2.0]) is None
