"""The optimiser that skips unused parameters, and the learning rate, against the numbers of UniT's code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from motet.training.optim import Cosine, HfAdamW, SkipUnusedAdamW, set_lr

HERE = Path(__file__).parent
STEPS, PEAK = 6, (5e-2, 1e-2, 1e-2)


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(HERE / "s2_adamw_skip.npz"))


def ran(golden, spec, decay):
    """The three parameters before the first step and after each, and how many steps each took."""
    weights = [torch.nn.Parameter(torch.from_numpy(golden[f"wd{decay}/p{i}/t0"].copy())) for i in range(3)]
    groups = [
        {"name": str(i), "params": [weight], "lr_scale": PEAK[i] / PEAK[0], "decay": True}
        for i, weight in enumerate(weights)
    ]
    optimizer = spec.build(groups, lr=PEAK[0], weight_decay=decay)
    kept = []
    for step in range(STEPS):
        for i, weight in enumerate(weights):
            gradient = golden[f"wd{decay}/g{i}/t{step}"]
            weight.grad = None if gradient.dtype.kind == "U" else torch.from_numpy(gradient.copy())
        set_lr(optimizer, 1.0)
        optimizer.step()
        kept.append([weight.detach().numpy().copy() for weight in weights])
    return kept, [optimizer.state[weight]["step"] for weight in weights]


@pytest.mark.parametrize("decay", [0.0, 0.0001])
def test_every_step_is_the_official_one(golden, decay):
    kept, steps = ran(golden, SkipUnusedAdamW(), decay)
    for step in range(STEPS):
        for i in range(3):
            want = golden[f"wd{decay}/p{i}/t{step + 1}"]
            np.testing.assert_allclose(kept[step][i], want, atol=1e-6, rtol=0, err_msg=f"p{i} step {step}")
    assert steps == golden[f"wd{decay}/steps"].tolist() == [6, 3, 2]


def test_the_plain_form_is_another_where_gradients_are_zero(golden):
    kept, steps = ran(golden, HfAdamW(), 0.0001)
    assert steps == [6, 6, 2]
    np.testing.assert_allclose(kept[-1][0], golden["wd0.0001/p0/t6"], atol=1e-6, rtol=0)
    assert np.abs(kept[1][1] - golden["wd0.0001/p1/t2"]).max() > 1e-3


def test_the_learning_rate_is_the_official_cosine():
    golden = np.load(HERE / "s2_warmup_cosine.npz")
    rates = np.array([Cosine(warmup=2000).factor(int(step), 10_000) for step in golden["steps"]])
    np.testing.assert_allclose(np.outer(rates, (5e-5, 1e-5)), golden["lr"], rtol=1e-12, atol=1e-18)
    assert golden["lr"][3, 0] > golden["lr"][1, 0] > 0
