import numpy as np
import pytest
import torch
from torch import nn

from motet.core import ConfigError
from motet.training.optim import Adafactor, AdamW, HfAdamW, SkipUnusedAdamW, set_lr
from motet.training.optimizer_state import load_optimizer_state, write_optimizer_state

SPECS = [
    AdamW(),
    HfAdamW(),
    SkipUnusedAdamW(),
    Adafactor(),
    Adafactor(momentum_dtype="float32"),
    Adafactor(momentum=None),
    Adafactor(update_clip=1.0),
]


def weights(seed=0, dtype=torch.float32):
    draw = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=draw).to(dtype)) for shape in ((40, 36), (36,), (3, 5))]


def groups(params):
    return [
        {"name": "encoder", "params": params[:1], "lr_scale": 0.1, "decay": True},
        {"name": "norms", "params": params[1:], "lr_scale": 1.0, "decay": False},
    ]


@pytest.mark.parametrize("spec", SPECS)
def test_a_step_raises_the_version_of_what_it_changes(spec) -> None:
    # Values computed from weights are kept until a version changes, and PyTorch's fused kernel raises none.
    params = weights()
    optimizer = spec.build(groups(params), lr=0.1, weight_decay=0.1)
    for _ in range(2):
        before = [weight._version for weight in params]
        train(optimizer, params, 1)
        assert all(weight._version > version for weight, version in zip(params, before, strict=True))


def train(optimizer, params, steps, start=0):
    for step in range(start, start + steps):
        draw = torch.Generator().manual_seed(100 + step)
        for weight in params:
            weight.grad = torch.randn(weight.shape, generator=draw).to(weight.dtype)
        set_lr(optimizer, 0.1 * (step + 1))
        optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_saved_and_loaded_optimiser_continues_bit_equal(spec, dtype, tmp_path):
    unbroken = weights(dtype=dtype)
    optimizer = spec.build(groups(unbroken), lr=1e-2, weight_decay=1e-2)
    train(optimizer, unbroken, 3)
    plain = write_optimizer_state(tmp_path, optimizer, tmp_path / "unused")
    resumed = [nn.Parameter(weight.detach().clone()) for weight in unbroken]
    again = spec.build(groups(resumed), lr=1e-2, weight_decay=1e-2)
    load_optimizer_state(again, tmp_path, plain)
    train(optimizer, unbroken, 3, start=3)
    train(again, resumed, 3, start=3)
    for ours, theirs in zip(unbroken, resumed, strict=True):
        assert torch.equal(ours, theirs)
        for key, value in optimizer.state[ours].items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(again.state[theirs][key])), key


def test_the_first_moment_is_stored_in_half_precision():
    params = weights()
    optimizer = Adafactor().build(groups(params), lr=1e-2, weight_decay=0.0)
    train(optimizer, params, 2)
    assert optimizer.state[params[0]]["exp_avg"].dtype == torch.bfloat16
    assert optimizer.state[params[0]]["exp_avg_sq_r"].dtype == torch.float32


def test_adafactors_decay_follows_the_rate_and_not_the_learning_rate():
    for lr in (1e-3, 1.0):
        weight = nn.Parameter(torch.full((2,), 2.0))
        group = {"name": "w", "params": [weight], "lr_scale": 0.1, "decay": True}
        optimizer = Adafactor().build([group], lr=lr, weight_decay=0.5)
        weight.grad = torch.zeros(2)
        set_lr(optimizer, 0.25)
        optimizer.step()
        assert weight.tolist() == [2.0 - 0.25 * 0.5 * 2.0] * 2


def test_adamws_decay_follows_the_learning_rate():
    weight = nn.Parameter(torch.full((2,), 2.0))
    optimizer = AdamW().build(
        [{"name": "w", "params": [weight], "lr_scale": 0.1, "decay": True}], lr=1.0, weight_decay=0.5
    )
    weight.grad = torch.zeros(2)
    set_lr(optimizer, 0.25)
    optimizer.step()
    assert weight.tolist() == pytest.approx([2.0 - 0.025 * 0.5 * 2.0] * 2)


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_rate_of_0_changes_nothing_but_the_memory(spec):
    params = weights()
    before = [weight.detach().clone() for weight in params]
    optimizer = spec.build(groups(params), lr=1e-2, weight_decay=1e-2)
    for weight in params:
        weight.grad = torch.ones_like(weight)
    set_lr(optimizer, 0.0)
    optimizer.step()
    assert all(torch.equal(old, new) for old, new in zip(before, params, strict=True))
    assert optimizer.state[params[0]]["step"] == 1


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_parameter_without_a_gradient_is_left_alone(spec):
    params = weights()
    before = params[0].detach().clone()
    optimizer = spec.build(groups(params), lr=1e-2, weight_decay=1e-1)
    params[1].grad = torch.ones_like(params[1])
    optimizer.step()
    assert torch.equal(params[0], before)
    assert not optimizer.state[params[0]]


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_quadratic_is_minimised(spec):
    weight = nn.Parameter(torch.full((40, 36), 3.0))
    optimizer = spec.build(
        [{"name": "w", "params": [weight], "lr_scale": 1.0, "decay": False}], lr=0.1, weight_decay=0.0
    )
    for _ in range(100):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert weight.abs().max() < 0.2


def test_the_closure_is_evaluated_with_gradients():
    weight = nn.Parameter(torch.ones(2))
    optimizer = Adafactor().build(
        [{"name": "w", "params": [weight], "lr_scale": 1.0, "decay": False}], lr=0.1, weight_decay=0.0
    )

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 2.0
    assert weight.max() < 1


def test_a_run_without_parameters_is_refused():
    with pytest.raises(ConfigError, match="no trainable parameter"):
        AdamW().build([{"name": "w", "params": [], "lr_scale": 1.0, "decay": False}], lr=0.1, weight_decay=0.0)


def test_a_parameter_in_two_groups_is_refused():
    weight = nn.Parameter(torch.ones(2, 3))
    group = {"params": [weight], "lr_scale": 1.0, "decay": False}
    with pytest.raises(ConfigError, match=r"group 'b': got a parameter of shape \(2, 3\)"):
        Adafactor().build([{"name": "a"} | group, {"name": "b"} | group], lr=0.1, weight_decay=0.0)


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (AdamW, {"betas": (0.9, 1.0)}),
        (AdamW, {"eps": 0.0}),
        (Adafactor, {"beta2_cap": 1.0}),
        (Adafactor, {"momentum": -0.1}),
        (Adafactor, {"momentum_dtype": "float16"}),
        (Adafactor, {"update_clip": 0.0}),
    ],
)
def test_numbers_out_of_range_are_refused(spec, fields):
    with pytest.raises(ConfigError, match="got"):
        spec(**fields)


FACTORED_SHAPES = [(5,), (4, 3), (3, 4), (40, 36), (36, 40), (34, 2, 33), (2, 40, 3, 35), (40, 36, 3), (33, 33)]


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


@pytest.mark.parametrize("shape", FACTORED_SHAPES, ids=str)
@pytest.mark.parametrize(("momentum", "clip"), [(None, None), (0.9, None), (0.5, 0.7)])
def test_a_step_of_adafactor_is_the_formula_over_the_two_largest_axes(
    shape: tuple[int, ...], momentum: float | None, clip: float | None
) -> None:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3, size=(*shape[:-1], 1)) for _ in range(4)]
    weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))
    group = {"name": "w", "params": [weight], "lr_scale": 1.0, "decay": False}
    spec = Adafactor(momentum=momentum, momentum_dtype="float32", update_clip=clip)
    optimizer = spec.build([group], lr=1.0, weight_decay=0.0)
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = torch.from_numpy(gradient)
        optimizer.step()
    found = (before - weight.detach()).numpy()
    np.testing.assert_allclose(found, by_hand(gradients, momentum=momentum, clip=clip, least=32), rtol=2e-4, atol=1e-6)
