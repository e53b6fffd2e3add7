"""The Adafactor and the rates against big_vision's own numbers."""

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors

from motet.training.optim import Adafactor, Cosine, LinearDecay, Rsqrt, set_lr

GOLDEN, RATES = vectors("s1_adafactor"), vectors("s1_loss_schedule")
VARIANTS = {
    "default": (Adafactor(), 2e-2),
    "f32mom": (Adafactor(momentum_dtype="float32"), 1e-6),
    "nomom": (Adafactor(momentum=None), 1e-6),
    "clip": (Adafactor(update_clip=1.0), 2e-2),
    "cap95": (Adafactor(beta2_cap=0.95), 2e-2),
}


def parameter(value):
    return torch.nn.Parameter(torch.from_numpy(np.array(value)))


def steps(pattern):
    return sorted(int(step) for (step,) in GOLDEN.found(pattern))


def moment(optimizer, weight, key):
    """A second moment by the file's name for it; a single zero where the optimiser has none."""
    found = optimizer.state[weight].get({"v": "exp_avg_sq", "vrow": "exp_avg_sq_r", "vcol": "exp_avg_sq_c"}[key])
    return np.zeros(1, np.float32) if found is None else found.numpy()


def test_no_variant_is_left_out():
    assert {variant for (variant,) in GOLDEN.found(r"(\w+)_update\d+_\w+")} <= set(VARIANTS)


@pytest.mark.parametrize(("variant", "shape"), GOLDEN.found(r"(\w+)_update0_(\w+)"))
def test_every_update_and_second_moment_is_the_official_one(variant, shape):
    spec, tolerance = VARIANTS[variant]
    # Updates are read off a parameter that is zero before each step, so that nothing is lost to rounding.
    weight = parameter(np.zeros_like(GOLDEN[f"param0_{shape}"]))
    optimizer = spec.build([group("w", [weight])], lr=1.0, weight_decay=0.0)
    kept = []
    for gradient in GOLDEN[f"grads_{shape}"]:
        weight.data.zero_()
        weight.grad = torch.from_numpy(np.array(gradient))
        optimizer.step()
        kept.append(-weight.detach().numpy())
    for step in steps(rf"{variant}_update(\d+)_{shape}"):
        want = GOLDEN[f"{variant}_update{step}_{shape}"]
        assert np.abs(kept[step] - want).max() <= tolerance * np.abs(want).max(), step
    for key in ("v", "vrow", "vcol"):
        want, ours = GOLDEN[f"{variant}_{key}_{shape}"], moment(optimizer, weight, key)
        assert ours.size == want.size, key
        np.testing.assert_allclose(ours.reshape(want.shape), want, rtol=1e-5, atol=1e-12, err_msg=key)


PARTS = {"img_kernel": "mat", "img_bias": "vec", "dec_kernel": "tall", "dec_scale": "vec"}


@pytest.mark.parametrize("variant", [variant for (variant,) in GOLDEN.found(r"chain_(\w+)_p1_dec_kernel")])
def test_every_step_of_the_whole_chain_is_the_official_one(variant):
    weights = {}
    for name, shape in PARTS.items():
        entries = len(GOLDEN[f"chain_{variant}_p1_{name}"])  # the bias is as long as its kernel is wide
        weights[name] = parameter(GOLDEN[f"param0_{shape}"][:entries])
    scale = 0.1 if variant == "mult" else 1.0
    trained = [name for name in PARTS if variant != "frozen" or name.startswith("dec")]
    groups = [
        group(name, [weights[name]], lr_scale=scale if name.startswith("img") else 1.0, decay=name.endswith("kernel"))
        for name in trained
    ]
    spec = Adafactor(beta2_cap=0.95, momentum_dtype="float32")
    optimizer = spec.build(groups, lr=1e-3, weight_decay=1e-4)
    total = len(GOLDEN["grads_mat"])
    for step in range(total):
        for name in trained:
            gradient = GOLDEN[f"grads_{PARTS[name]}"][step][: len(weights[name])]
            weights[name].grad = torch.from_numpy(gradient.copy())
        torch.nn.utils.clip_grad_norm_([weights[name] for name in trained], 1.0)
        set_lr(optimizer, Cosine(warmup=2).factor(step, total))
        optimizer.step()
        for name in PARTS:
            key = f"chain_{variant}_p{step + 1}_{name}"
            if key in GOLDEN:
                np.testing.assert_allclose(weights[name].detach().numpy(), GOLDEN[key], atol=1e-6, rtol=0, err_msg=key)


def test_the_chain_moves_what_it_should():
    """The comparison above could not pass on parameters that never move."""
    last = max(steps(r"chain_plain_p(\d+)_dec_kernel"))
    assert np.abs(GOLDEN[f"chain_plain_p{last}_dec_kernel"] - GOLDEN["param0_tall"]).max() > 1e-3
    np.testing.assert_array_equal(GOLDEN[f"chain_frozen_p{last}_img_kernel"], GOLDEN["param0_mat"])


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
    rates = [shape.factor(int(step), 100) for step in RATES["sched_steps"]]
    np.testing.assert_allclose(rates, RATES[f"sched_{name}"], atol=1e-6)


def test_every_array_is_read(request):
    check_all_read(request, "s1_adafactor")
    assert not [name for name in RATES.unread() if name.startswith("sched_")]


def group(name, params, *, lr_scale=1.0, decay=False):
    return {"name": name, "params": params, "lr_scale": lr_scale, "decay": decay}
