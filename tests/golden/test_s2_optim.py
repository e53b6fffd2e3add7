"""The optimiser that skips unused parameters, and the learning rate, against the numbers of UniT's code."""

import numpy as np
import pytest
import torch
from golden_files import check_all_read, vectors

from motet.training.optim import Cosine, HfAdamW, SkipUnusedAdamW, set_lr

GOLDEN, RATES = vectors("s2_adamw_skip"), vectors("s2_warmup_cosine")
FIRST, OTHERS = 5e-2, 1e-2  # the learning rates of the first parameter and of the others
DECAYS = [decay for (decay,) in GOLDEN.found(r"wd([\d.]+)/steps")]
PARAMETERS = GOLDEN.count(r"wd[\d.]+/p(\d+)/t0")
STEPS = GOLDEN.count(r"wd[\d.]+/g0/t(\d+)")


def gradient(decay, i, step):
    """The gradient of a parameter at a step; None where it has none."""
    found = GOLDEN[f"wd{decay}/g{i}/t{step}"]
    return None if found.dtype.kind == "U" else torch.from_numpy(found)


def ran(spec, decay):
    """The parameters after each step, and how many steps each took."""
    weights = [torch.nn.Parameter(GOLDEN.tensor(f"wd{decay}/p{i}/t0")) for i in range(PARAMETERS)]
    groups = [
        {"name": str(i), "params": [weight], "lr_scale": 1.0 if i == 0 else OTHERS / FIRST, "decay": True}
        for i, weight in enumerate(weights)
    ]
    optimizer = spec.build(groups, lr=FIRST, weight_decay=float(decay))
    kept = []
    for step in range(STEPS):
        for i, weight in enumerate(weights):
            weight.grad = gradient(decay, i, step)
        set_lr(optimizer, 1.0)
        optimizer.step()
        kept.append([weight.detach().numpy().copy() for weight in weights])
    return kept, [optimizer.state[weight]["step"] if weight in optimizer.state else 0 for weight in weights]


@pytest.mark.parametrize("decay", DECAYS)
def test_every_step_is_the_official_one(decay):
    kept, steps = ran(SkipUnusedAdamW(), decay)
    for step in range(STEPS):
        for i in range(PARAMETERS):
            want = GOLDEN[f"wd{decay}/p{i}/t{step + 1}"]
            np.testing.assert_allclose(kept[step][i], want, atol=1e-6, rtol=0, err_msg=f"p{i} step {step}")
    assert steps == GOLDEN[f"wd{decay}/steps"].tolist()


def test_the_plain_form_is_another_where_gradients_are_zero():
    decay = DECAYS[-1]
    kept, steps = ran(HfAdamW(), decay)
    by_parameter = [[gradient(decay, i, step) for step in range(STEPS)] for i in range(PARAMETERS)]
    assert steps == [sum(each is not None for each in found) for found in by_parameter]
    idle = [any(each is not None and not each.any() for each in found) for found in by_parameter]
    assert any(idle)
    for i, has_zero in enumerate(idle):
        off = max(np.abs(kept[t][i] - GOLDEN[f"wd{decay}/p{i}/t{t + 1}"]).max() for t in range(STEPS))
        assert off > 1e-3 if has_zero else off < 1e-6


def test_the_learning_rate_is_the_official_cosine():
    rates = np.array([Cosine(warmup=2000).factor(int(step), 10_000) for step in RATES["steps"]])
    np.testing.assert_allclose(np.outer(rates, (5e-5, 1e-5)), RATES["lr"], rtol=1e-12, atol=1e-18)
    assert len(set(rates)) > 2


def test_every_array_is_read(request):
    check_all_read(request, "s2_adamw_skip", "s2_warmup_cosine")
