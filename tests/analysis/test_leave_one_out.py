"""Interference on the same batches against the official notebook, written out with arrays."""

from __future__ import annotations

import numpy as np
import pytest
from known_gradients import Known, batch

from motet.analysis.gradients import measurement_mode, trained_blocks
from motet.analysis.interference import BlockNumbers, directions_of, interference
from motet.analysis.interference_measurement import InterferenceSettings
from motet.analysis.leave_one_out import leave_one_out_probes
from motet.core import ConfigError

NAMES = ("a", "b")


def slopes(seed: int, count: int = 7) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"a": rng.normal([3, 0], 1, (count, 2)), "b": rng.normal([1, 2], 1, (count, 2))}


def measured(gradients: dict[str, np.ndarray], *, training: bool = False, names: tuple[str, ...] = ()) -> BlockNumbers:
    system = Known()
    blocks = trained_blocks(system, names)
    drawn = {name: [batch(name, tuple(row)) for row in gradients[name].tolist()] for name in NAMES}
    with measurement_mode(system, training=training):
        directions = [directions_of(system, name, drawn[name], blocks, seed=3) for name in NAMES]
        probes = leave_one_out_probes(system, drawn, blocks, directions, seed=3)
    return next(iter(interference(NAMES, directions, probes).blocks.values()))


def notebook(gradients: dict[str, np.ndarray]) -> np.ndarray:
    """`tools/calinterference.ipynb`: delta[a, b] = g_j(a) . g_i(b) / |g_j(a)|, summed over a but b, mean of ratios."""
    table = np.zeros((2, 2))
    for i, one in enumerate(NAMES):
        summed = {}
        for other in NAMES:
            g_j, g_i = gradients[other], gradients[one]
            delta = g_j @ g_i.T / np.linalg.norm(g_j, axis=1, keepdims=True)
            summed[other] = (delta.sum(0) - np.diag(delta)) / (len(delta) - 1)
        table[i] = [np.mean(summed[other] / summed[one]) for other in NAMES]
    return table


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_are_those_of_the_notebook(seed: int) -> None:
    np.testing.assert_allclose(measured(slopes(seed)).ratios, notebook(slopes(seed)), rtol=1e-4)


def test_a_single_weight_is_a_block_of_its_own() -> None:
    np.testing.assert_allclose(measured(slopes(0), names=("shared",)).ratios, notebook(slopes(0)), rtol=1e-4)
    assert list(trained_blocks(Known(), ("shared", "first"))) == ["first", "shared"]
    with pytest.raises(ConfigError, match="block: got 'sharred'; did you mean 'shared'"):
        trained_blocks(Known(), ("sharred",))


def test_what_is_left_out_is_what_dropout_gave() -> None:
    """Two batches of one task: without its own gradient a direction is that of the other, whatever dropout drew."""
    system = Known()
    blocks = trained_blocks(system, ("first",))
    drawn = {"a": [batch("a", (3.0, 1.0)), batch("a", (1.0, 2.0))]}
    with measurement_mode(system, training=True):
        directions = [directions_of(system, "a", drawn["a"], blocks, seed=5)]
        (probes,) = leave_one_out_probes(system, drawn, blocks, directions, seed=5)
    first, second = probes.lengths["first"]
    # The other's unit vector on a gradient: the same cosine from both sides.
    if first and second:
        assert probes.products["first"][0, 0] / first == pytest.approx(probes.products["first"][1, 0] / second)
    assert first + second > 0


def test_a_batch_without_a_gradient_is_no_part_of_the_mean() -> None:
    gradients = slopes(1)
    gradients["b"][2] = 0
    numbers = measured(gradients)
    assert numbers.counted.tolist() == [7, 6]
    assert np.isfinite(numbers.ratios).all()


def test_one_batch_leaves_none() -> None:
    with pytest.raises(ConfigError, match="batches: got 1 with leave_one_out; want at least 2"):
        InterferenceSettings(batches=1, leave_one_out=True)
