"""The Adafactor and the rates against big_vision's own numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.training.optim import Adafactor, Cosine, LinearDecay, Rsqrt, set_lr

HERE = Path(__file__).parent
STEPS = 6
VARIANTS = {
    "default": (Adafactor(), 2e-2),
    "f32mom": (Adafactor(momentum_dtype="float32"), 1e-6),
    "nomom": (Adafactor(momentum=None), 1e-6),
    "clip": (Adafactor(update_clip=1.0), 2e-2),
    "cap95": (Adafactor(beta2_cap=0.95), 2e-2),
}


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(HERE / "s1_adafactor.npz"))


def parameter(value):
    return torch.nn.Parameter(torch.from_numpy(np.array(value)))


def updates(optimizer, weight, gradients):
    """What each step takes from the parameter; a rate of 1 and no decay leave the bare update."""
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = torch.from_numpy(np.array(gradient))
        optimizer.step()
        yield (before - weight.detach()).numpy()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", ["small", "mat", "vec"])
def test_the_sixth_update_is_the_official_one(golden, variant, shape):
    spec, tolerance = VARIANTS[variant]
    want = golden[f"{variant}_update5_{shape}"]
    # Updates are read off a parameter that is zero before each step, so that nothing is lost to rounding.
    weight = parameter(np.zeros_like(golden[f"param0_{shape}"]))
    optimizer = spec.build([group("w", [weight])], lr=1.0, weight_decay=0.0)
    for gradient in golden[f"grads_{shape}"]:
        weight.data.zero_()
        weight.grad = torch.from_numpy(np.array(gradient))
        optimizer.step()
    assert np.abs(-weight.detach().numpy() - want).max() <= tolerance * np.abs(want).max()


def test_three_axes_are_factored_over_the_two_largest(golden):
    weight = parameter(np.zeros_like(golden["grads_t3"][0]))
    optimizer = Adafactor(momentum=None).build([group("w", [weight])], lr=1.0, weight_decay=0.0)
    *_, last = updates(optimizer, weight, golden["grads_t3"])
    assert np.abs(last - golden["nomom_update1_t3"]).max() <= 1e-6 * np.abs(last).max()
    shapes = {tuple(optimizer.state[weight][f"exp_avg_sq_{key}"].squeeze().shape) for key in "rc"}
    assert shapes == {(3, 33), (3, 36)}


def test_second_moments_are_the_official_ones(golden):
    matrix, vector = parameter(golden["param0_mat"]), parameter(golden["param0_vec"])
    optimizer = Adafactor(momentum_dtype="float32").build([group("w", [matrix, vector])], lr=1.0, weight_decay=0.0)
    for step in range(STEPS):
        matrix.grad = torch.from_numpy(golden["grads_mat"][step])
        vector.grad = torch.from_numpy(golden["grads_vec"][step])
        optimizer.step()
    np.testing.assert_allclose(optimizer.state[matrix]["exp_avg_sq_r"].squeeze(), golden["f32mom_vrow_mat"], rtol=1e-5)
    np.testing.assert_allclose(optimizer.state[matrix]["exp_avg_sq_c"].squeeze(), golden["f32mom_vcol_mat"], rtol=1e-5)
    np.testing.assert_allclose(optimizer.state[vector]["exp_avg_sq"], golden["f32mom_v_vec"], rtol=1e-5)


PARTS = {"img_kernel": "mat", "img_bias": "vec", "dec_kernel": "tall", "dec_scale": "vec"}


@pytest.mark.parametrize("variant", ["plain", "mult", "frozen"])
def test_six_steps_of_the_whole_chain_are_the_official_ones(golden, variant):
    entries = {name: 48 if name == "img_bias" else None for name in PARTS}
    weights = {name: parameter(golden[f"param0_{PARTS[name]}"][: entries[name]]) for name in PARTS}
    scale = 0.1 if variant == "mult" else 1.0
    trained = [name for name in PARTS if variant != "frozen" or name.startswith("dec")]
    groups = [
        group(name, [weights[name]], lr_scale=scale if name.startswith("img") else 1.0, decay=name.endswith("kernel"))
        for name in trained
    ]
    spec = Adafactor(beta2_cap=0.95, momentum_dtype="float32")
    optimizer = spec.build(groups, lr=1e-3, weight_decay=1e-4)
    for step in range(STEPS):
        for name in trained:
            weights[name].grad = torch.from_numpy(golden[f"grads_{PARTS[name]}"][step][: entries[name]].copy())
        torch.nn.utils.clip_grad_norm_([weights[name] for name in trained], 1.0)
        set_lr(optimizer, Cosine(warmup=2).factor(step, STEPS))
        optimizer.step()
        for name in PARTS:
            key = f"chain_{variant}_p{step + 1}_{name}"
            if key in golden:
                np.testing.assert_allclose(weights[name].detach().numpy(), golden[key], atol=1e-6, rtol=0, err_msg=key)


def test_the_chain_moves_what_it_should(golden):
    """The comparison above could not pass on parameters that never move."""
    assert np.abs(golden["chain_plain_p6_dec_kernel"] - golden["param0_tall"]).max() > 1e-3
    np.testing.assert_array_equal(golden["chain_frozen_p6_img_kernel"], golden["param0_mat"])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("cosine", Cosine(warmup=10)),
        ("linear", LinearDecay(warmup=10)),
        ("rsqrt", Rsqrt(warmup=10, timescale=20)),
        ("cosine_cool", Cosine(warmup=10, cooldown=10)),
    ],
)
def test_rates_are_the_official_ones(name, shape):
    golden = np.load(HERE / "s1_rates.npz")
    rates = [shape.factor(int(step), 100) for step in golden["sched_steps"]]
    np.testing.assert_allclose(rates, golden[f"sched_{name}"], atol=1e-6)


def group(name, params, *, lr_scale=1.0, decay=False):
    return {"name": name, "params": params, "lr_scale": lr_scale, "decay": decay}
