"""Interference of tasks whose gradients are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from known_gradients import Known, batch
from torch import Tensor

from motet.analysis.gradients import block_gradients, mean_loss, measurement_mode, trained_blocks
from motet.analysis.interference import Directions, Interference, Probes, directions_of, interference, probes_of
from motet.core import ConfigError, Loss, Losses, MetricError


def measured(
    drawn: Mapping[str, Sequence[tuple[float, float]]],
    tried: Mapping[str, Sequence[tuple[float, float]]],
    **scale: float,
) -> Interference:
    """Of batches of one row each."""
    system = Known(scale)
    blocks, names = trained_blocks(system), list(drawn)
    with measurement_mode(system, training=False):
        towards = [directions_of(system, name, [batch(name, s) for s in drawn[name]], blocks) for name in names]
        probes = [probes_of(system, name, [batch(name, s) for s in tried[name]], blocks, towards) for name in names]
    return interference(names, towards, probes)


STRAIGHT, SLANTED = (3.0, 0.0), (1.0, 1.0)


@pytest.mark.parametrize(
    ("of_b", "a_by_b", "b_by_a"),
    [((5.0, 0.0), 1.0, 1.0), ((-2.0, 0.0), -1.0, -1.0), ((0.0, 4.0), 0.0, 0.0), (SLANTED, 2**-0.5, 2**-0.5)],
    ids=["aligned", "opposite", "orthogonal", "half way"],
)
def test_tasks_that_agree_and_disagree(of_b, a_by_b, b_by_a):
    found = measured({"a": [STRAIGHT] * 2, "b": [of_b] * 2}, {"a": [STRAIGHT] * 3, "b": [of_b] * 3})
    numbers = found.blocks["first"]
    wanted = [[1.0, a_by_b], [b_by_a, 1.0]]
    for values in (numbers.ratios, numbers.means, numbers.cosines, numbers.mean_cosines):
        np.testing.assert_allclose(values, wanted, atol=1e-6)
    np.testing.assert_allclose(numbers.ratios_spread, 0, atol=1e-6)
    assert numbers.counted.tolist() == [3, 3]


def test_the_formula_by_hand_with_a_direction_of_other_batches_than_those_it_is_tried_on():
    drawn = {"a": [(1.0, 0.0), (0.0, 2.0)], "b": [(0.0, 1.0), (0.0, -3.0), (4.0, 0.0)]}
    tried = {"a": [(2.0, 1.0), (1.0, -3.0)], "b": [(1.0, 1.0), (3.0, 1.0)]}
    m = {"a": np.array([0.5, 0.5]), "b": np.array([1 / 3, 0.0])}
    numbers = measured(drawn, tried).blocks["first"]
    for i, task in enumerate("ab"):
        for j, other in enumerate("ab"):
            g = np.array(tried[task])
            np.testing.assert_allclose(numbers.ratios[i, j], np.mean((g @ m[other]) / (g @ m[task])), rtol=1e-5)
            np.testing.assert_allclose(numbers.means[i, j], np.sum(g @ m[other]) / np.sum(g @ m[task]), rtol=1e-5)
            lengths = np.linalg.norm(g, axis=1)
            np.testing.assert_allclose(numbers.cosines[i, j], np.mean(g @ m[other] / lengths), rtol=1e-5)
    assert numbers.against.tolist() == [0.5, 0.0]
    mean = {task: np.mean(rows, axis=0) for task, rows in drawn.items()}
    cosine = mean["a"] @ mean["b"] / np.linalg.norm(mean["a"]) / np.linalg.norm(mean["b"])
    np.testing.assert_allclose(numbers.mean_cosines[0, 1], cosine, rtol=1e-5)


def test_ratios_may_lie_beyond_one_since_the_own_direction_is_of_other_batches():
    numbers = measured({"a": [(1.0, 3.0)], "b": [(1.0, 0.0)]}, {"a": [(5.0, 0.0)], "b": [(1.0, 0.0)]}).blocks["first"]
    assert numbers.ratios[0, 1] == pytest.approx(math.sqrt(10), rel=1e-5)
    assert numbers.ratios[0, 0] == 1.0


def _noisy(seed: int) -> dict[str, list[tuple[float, float]]]:
    rng = np.random.default_rng(seed)
    return {
        name: [tuple(map(float, centre + rng.normal(size=2))) for _ in range(40)]
        for name, centre in (("a", np.array([4.0, 0.0])), ("b", np.array([2.0, 3.0])))
    }


def test_a_loss_times_a_number_changes_nothing_and_the_diagonal_is_exactly_one():
    plain = measured(_noisy(0), _noisy(1)).blocks["first"]
    scaled = measured(_noisy(0), _noisy(1), a=100.0, b=0.01).blocks["first"]
    for name in ("ratios", "means", "cosines", "ratios_spread", "means_spread", "cosines_spread"):
        np.testing.assert_allclose(getattr(plain, name), getattr(scaled, name), rtol=1e-4, atol=1e-6)
    assert np.diagonal(plain.ratios).tolist() == [1.0, 1.0]
    assert np.diagonal(plain.means).tolist() == [1.0, 1.0]
    assert np.diagonal(plain.ratios_spread).tolist() == [0.0, 0.0]
    assert plain.cosines[0, 0] < 1, "two batches of one task do not quite agree"


def test_the_spread_is_that_of_the_mean_over_batches():
    numbers = measured(_noisy(0), _noisy(1)).blocks["first"]
    tried = _noisy(1)["a"]
    m = [np.mean([np.array(row) / np.linalg.norm(row) for row in rows], axis=0) for rows in _noisy(0).values()]
    ratios = np.array(tried) @ m[1] / (np.array(tried) @ m[0])
    assert numbers.ratios_spread[0, 1] == pytest.approx(ratios.std() / math.sqrt(len(ratios)), rel=0.1)


def test_a_task_that_does_not_touch_a_block_has_no_number_there():
    drawn = {"a": [STRAIGHT] * 2, "b": [SLANTED] * 2, "lone": [SLANTED] * 2}
    found = measured(drawn, drawn)
    assert found.touched("first") == ("a", "b")
    assert found.touched("second") == ("lone",)
    first = found.blocks["first"]
    assert np.isnan(first.ratios[2]).all()
    assert np.isnan(first.ratios[:, 2]).all()
    assert np.isnan(first.cosines[:, 2]).all()
    assert np.isnan(first.mean_cosines[:, 2]).all()
    assert np.isfinite(first.ratios[:2, :2]).all()
    assert first.counted.tolist() == [2, 2, 0]
    assert found.blocks["second"].ratios[2, 2] == 1.0


def test_batches_without_a_gradient_or_at_right_angles_to_their_own_task_do_not_count():
    drawn = {"a": [STRAIGHT, (0.0, 0.0)], "b": [SLANTED]}
    tried = {"a": [STRAIGHT, (0.0, 0.0), (0.0, 7.0)], "b": [SLANTED, SLANTED]}
    numbers = measured(drawn, tried).blocks["first"]
    assert numbers.counted.tolist() == [1, 2]
    assert numbers.ratios[0, 1] == pytest.approx(2**-0.5)
    assert np.isnan(numbers.ratios_spread[0]).all(), "one batch has no spread"


def test_a_batch_without_the_task_gives_no_gradient_and_nothing_is_left_in_grad():
    system = Known().eval()
    blocks = trained_blocks(system)
    assert block_gradients(system, batch("b", STRAIGHT), "a", blocks) is None
    found = block_gradients(system, batch("a", STRAIGHT, (1.0, 2.0)), "a", blocks)
    assert found is not None
    assert found["first"].tolist() == [2.0, 1.0]
    assert found["second"].tolist() == [0.0]
    assert system.shared.grad is None


def test_the_error_of_a_gradient_that_is_not_finite_names_task_block_and_rows():
    system = Known().eval()
    with pytest.raises(MetricError, match=r"task 'a', block 'first', rows 0, \.\.\.: got a gradient that is not f"):
        block_gradients(system, batch("a", (math.inf, 0.0)), "a", trained_blocks(system))


def test_terms_of_a_loss_are_means_of_their_own():
    def loss(total: float, weight: float) -> Loss:
        return Loss(torch.tensor(total), torch.tensor(weight))

    losses = Losses({"a": loss(0.0, 2.0)}, terms={("a", "word"): loss(9.0, 3.0), ("b", "word"): loss(1.0, 1.0)})
    assert float(mean_loss(losses, "a")) == 3.0
    assert mean_loss(losses, "c") is None


def test_blocks_are_the_trainable_ones_with_the_given_names():
    system = Known()
    assert list(trained_blocks(system)) == ["first", "second"]
    assert list(trained_blocks(system, ["second"])) == ["second"]
    with pytest.raises(ConfigError, match="block: got 'frist'; did you mean 'first'"):
        trained_blocks(system, ["frist"])
    system.other.requires_grad_(False)
    assert list(trained_blocks(system)) == ["first"]
    system.requires_grad_(False)
    with pytest.raises(ConfigError, match="share no trainable parameters; want two or more tasks"):
        trained_blocks(system)


def test_training_mode_draws_by_batch_and_leaves_no_trace():
    system = Known().eval()
    blocks = trained_blocks(system)
    many = [batch("a", *[(1.0, 1.0)] * 64)] * 3

    def draw(seed: int) -> Directions:
        with measurement_mode(system, training=True):
            return directions_of(system, "a", many, blocks, seed=seed)

    before = torch.random.get_rng_state()
    one, again, other = draw(0), draw(0), draw(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.unit["first"], again.unit["first"])
    assert not torch.equal(one.unit["first"], other.unit["first"])
    assert not system.training
    assert float(system.get_buffer("seen")) == 0


def test_as_many_tasks_as_directions_and_comparisons():
    with pytest.raises(MetricError, match="got 2 tasks, 1 directions, 0 probes"):
        interference(["a", "b"], [Directions({}, {}, {})], [])
    assert interference([], [], []) == Interference((), {})
    nothing: dict[str, Any] = {"first": np.zeros((0, 1))}
    found = interference(
        ["a"], [Directions({"first": Tensor([1.0])}, {"first": Tensor([1.0])}, {"first": 1})],
        [Probes(nothing, {"first": np.zeros(0)})],
    )  # fmt: skip
    assert found.touched("first") == ()
