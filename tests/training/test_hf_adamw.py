"""AdamW that decays late: what is skipped, and what it costs to find out."""

import pytest
import torch

from motet.core import ConfigError
from motet.training.hf_adamw import HfAdamWOptimizer
from motet.training.optim import HfAdamW, SkipUnusedAdamW


def weight(value=1.0, shape=(3,)):
    return torch.nn.Parameter(torch.full(shape, value))


def built(parameters, spec=None, decay=0.1):
    groups = [{"name": "all", "params": parameters, "lr_scale": 1.0, "decay": True}]
    return (spec or SkipUnusedAdamW()).build(groups, lr=0.1, weight_decay=decay)


def test_what_is_not_used_does_not_move_and_remembers_nothing():
    used, zero, none = weight(), weight(), weight()
    optimizer = built([used, zero, none])
    used.grad, zero.grad = torch.ones(3), torch.zeros(3)
    optimizer.step()
    assert (used != 1).all()
    assert (zero == 1).all()
    assert (none == 1).all()
    assert set(optimizer.state) == {used}


def test_the_plain_form_decays_a_zero_gradient_and_passes_over_none():
    zero, none = weight(), weight()
    optimizer = built([zero, none], HfAdamW())
    zero.grad = torch.zeros(3)
    optimizer.step()
    assert zero.tolist() == pytest.approx([0.99] * 3)
    assert (none == 1).all()


def test_each_parameter_counts_its_own_steps():
    one, other = weight(), weight()
    optimizer = built([one, other], decay=0.0)
    for step in range(3):
        one.grad, other.grad = torch.ones(3), torch.ones(3) if step == 2 else torch.zeros(3)
        optimizer.step()
    # The first step of each is a whole learning rate, whenever it comes.
    assert other.tolist() == pytest.approx([0.9] * 3, abs=1e-6)
    assert [optimizer.state[p]["step"] for p in (one, other)] == [3, 1]


def test_a_tiny_gradient_is_a_gradient_and_nan_is_not_hidden():
    tiny, lost = weight(), weight()
    optimizer = built([tiny, lost])
    tiny.grad, lost.grad = torch.full((3,), 1e-38), torch.full((3,), float("nan"))
    optimizer.step()
    assert optimizer.state[tiny]["step"] == 1
    assert lost.isnan().all()


def test_decay_comes_after_the_step():
    late, early = weight(), weight()
    optimizer = built([late], HfAdamW(), decay=0.5)
    late.grad, early.grad = torch.ones(3), torch.ones(3)
    optimizer.step()
    torch.optim.AdamW([early], lr=0.1, weight_decay=0.5).step()
    assert late.tolist() == pytest.approx([(1 - 0.1) * 0.95] * 3, abs=1e-6)
    assert early.tolist() == pytest.approx([0.95 - 0.1] * 3, abs=1e-6)


def test_whether_gradients_are_zero_is_asked_once_a_step(monkeypatch):
    parameters = [weight(shape=(2, 2)) for _ in range(5)]
    optimizer = built(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones(2, 2)
    asked = []
    plain = torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: asked.append(tensor.shape) or plain(tensor))
    optimizer.step()
    assert asked == [(5,)]


def test_a_closure_is_called_with_gradients_on():
    one = weight()
    optimizer = HfAdamWOptimizer([{"params": [one]}], skip_unused=True)

    def closure():
        loss = (one**2).sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 3.0
    assert (one < 1).all()


@pytest.mark.parametrize("spec", [HfAdamW, SkipUnusedAdamW])
def test_numbers_outside_their_range_are_one_line(spec):
    with pytest.raises(ConfigError, match=rf"{spec.__name__}.betas: got \(0.9, 1.0\); want two numbers in \[0, 1\)"):
        spec(betas=(0.9, 1.0))
    with pytest.raises(ConfigError, match=rf"{spec.__name__}.eps: got 0; want a positive number"):
        spec(eps=0)
