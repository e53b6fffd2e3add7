"""The Adafactor written out in numpy over any shape, and parameters that a step leaves alone."""

import numpy as np
import pytest
import torch
from torch import nn

from motet.training.adafactor import ScalingAdafactor

SHAPES = [(5,), (4, 3), (3, 4), (40, 36), (36, 40), (34, 2, 33), (2, 40, 3, 35), (40, 36, 3), (33, 33)]


def by_hand(gradients: list[np.ndarray], *, momentum: float | None, clip: float | None, least: int) -> np.ndarray:
    """The last of some steps with a rate of one; means are over whole axes, as in the paper's vectors r and c."""
    shape = gradients[0].shape
    order = sorted(range(len(shape)), key=lambda axis: shape[axis])  # ties: the later axis is the larger
    second, largest = order[-2:] if len(shape) > 1 else (0, 0)
    factored = len(shape) > 1 and shape[second] >= least
    rows, columns, whole, first = 0.0, 0.0, 0.0, 0.0
    for step, gradient in enumerate(gradients):
        beta = min(0.999, 1 - (step + 1) ** -0.8)
        squared = gradient**2 + 1e-30
        if factored:
            rows = beta * rows + (1 - beta) * squared.mean(axis=largest, keepdims=True)
            columns = beta * columns + (1 - beta) * squared.mean(axis=second, keepdims=True)
            update = gradient / np.sqrt(rows / rows.mean(axis=second, keepdims=True)) / np.sqrt(columns)
        else:
            whole = beta * whole + (1 - beta) * squared
            update = gradient / np.sqrt(whole)
        if clip is not None:
            update = update / max(1.0, float(np.sqrt((update**2).mean())) / clip)
        if momentum is not None:
            first = momentum * first + (1 - momentum) * update
            update = first
    return update


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("momentum", "clip"), [(None, None), (0.9, None), (0.5, 0.7)])
def test_a_step_is_the_formula_over_the_two_largest_axes(
    shape: tuple[int, ...], momentum: float | None, clip: float | None
) -> None:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3, size=(*shape[:-1], 1)) for _ in range(4)]
    weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))
    optimizer = ScalingAdafactor(
        [{"params": [weight], "lr": 1.0}], momentum=momentum, momentum_dtype=torch.float32, update_clip=clip
    )
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = torch.from_numpy(gradient)
        optimizer.step()
    found = (before - weight.detach()).numpy()
    np.testing.assert_allclose(found, by_hand(gradients, momentum=momentum, clip=clip, least=32), rtol=2e-4, atol=1e-6)


def test_means_are_stored_for_rows_and_columns_only_where_an_axis_is_long_enough() -> None:
    for shape, keys in (((40, 36), {"rows", "columns"}), ((40, 31), {"square"}), ((5000,), {"square"})):
        weight = nn.Parameter(torch.zeros(shape))
        optimizer = ScalingAdafactor([{"params": [weight]}], momentum=None)
        weight.grad = torch.ones(shape)
        optimizer.step()
        assert set(optimizer.state[weight]) - {"step"} == keys
        numbers = sum(optimizer.state[weight][key].numel() for key in keys)
        assert numbers == (40 + 36 if "rows" in keys else weight.numel())


def test_the_first_step_is_the_sign_of_the_gradient_whatever_its_size() -> None:
    weight = nn.Parameter(torch.zeros(4))
    optimizer = ScalingAdafactor([{"params": [weight], "lr": 0.1}], momentum=None)
    weight.grad = torch.tensor([1e-8, -1.0, 1e6, -1e-3])
    optimizer.step()
    assert weight.tolist() == pytest.approx([-0.1, 0.1, -0.1, 0.1])


def test_a_parameter_without_a_gradient_neither_decays_nor_counts_a_step() -> None:
    used, unused = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer = ScalingAdafactor([{"params": [used, unused], "weight_decay": 0.5}])
    for _ in range(3):
        used.grad = torch.ones(3)
        optimizer.step()
    assert torch.equal(unused, torch.ones(3))
    assert unused not in optimizer.state
    unused.grad = torch.ones(3)
    optimizer.step()
    assert [optimizer.state[parameter]["step"] for parameter in (used, unused)] == [4, 1]


def test_decay_and_update_of_one_step_see_the_same_parameter() -> None:
    weight = nn.Parameter(torch.full((2,), 2.0))
    optimizer = ScalingAdafactor([{"params": [weight], "lr": 0.1, "rate": 0.5, "weight_decay": 0.2}], momentum=None)
    weight.grad = torch.ones(2)
    optimizer.step()
    # The step is 1 of the rate; the decay is of 2, not of what the step left.
    assert weight.tolist() == pytest.approx([2.0 - 0.1 - 0.5 * 0.2 * 2.0] * 2)


def test_a_closure_is_run_with_gradients_and_its_loss_returned() -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    optimizer = ScalingAdafactor([{"params": [weight]}])

    def closure() -> float:
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 9.0
    assert optimizer.step() is None
    assert float(weight.detach()) < 3.0
