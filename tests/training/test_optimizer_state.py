"""An optimiser goes on from its written state bit for bit; states of others and damaged files are refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from motet.core import CheckpointError
from motet.training.optim import Adafactor, AdamW, HfAdamW, OptimizerSpec, set_lr
from motet.training.optimizer_state import is_sharded, load_optimizer_state, write_optimizer_state

SPECS: dict[str, OptimizerSpec] = {
    "adamw": AdamW(),
    "hf adamw": HfAdamW(move_unused=True),
    "adafactor, bfloat16 momentum": Adafactor(min_factored=2),
}


def weights(shapes: Sequence[tuple[int, ...]] = ((4, 3), (3,))) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def built(spec: OptimizerSpec, parameters: Sequence[nn.Parameter]) -> Optimizer:
    groups: list[dict[str, Any]] = [
        {"name": "all", "params": list(parameters), "lr_scale": 1.0, "decay": True},
    ]
    return spec.build(groups, lr=0.1, weight_decay=0.01)


def take_steps(optimizer: Optimizer, parameters: Sequence[nn.Parameter], steps: range) -> None:
    for step in steps:
        set_lr(optimizer, 1 / (step + 1))
        for parameter in parameters:
            generator = torch.Generator().manual_seed(step)
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_steps_after_a_reload_equal_steps_without_one(spec: OptimizerSpec, tmp_path: Path) -> None:
    whole = weights()
    without_reload = built(spec, whole)
    take_steps(without_reload, whole, range(3))
    plain = write_optimizer_state(tmp_path, without_reload, tmp_path / "unused")
    halfway = [parameter.detach().clone() for parameter in whole]
    take_steps(without_reload, whole, range(3, 6))

    resumed = [nn.Parameter(value) for value in halfway]
    with_reload = built(spec, resumed)
    load_optimizer_state(with_reload, tmp_path, plain)
    take_steps(with_reload, resumed, range(3, 6))
    assert all(torch.equal(left, right) for left, right in zip(whole, resumed, strict=True))


def test_a_momentum_of_16_bits_stays_one(tmp_path: Path) -> None:
    parameters = weights()
    first = built(Adafactor(), parameters)
    take_steps(first, parameters, range(1))
    second = built(Adafactor(), parameters)
    load_optimizer_state(second, tmp_path, write_optimizer_state(tmp_path, first, tmp_path / "unused"))
    assert {second.state[parameter]["exp_avg"].dtype for parameter in parameters} == {torch.bfloat16}


def test_the_state_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    parameters = weights()
    plain = write_optimizer_state(tmp_path, built(AdamW(), parameters), tmp_path / "unused")
    with pytest.raises(CheckpointError, match="got the state of AdamW over 2 parameters; want HfAdamWOptimizer over 2"):
        load_optimizer_state(built(HfAdamW(), parameters), tmp_path, plain)
    with pytest.raises(CheckpointError, match="of AdamW over 2 parameters; want AdamW over 1 of the same shapes"):
        load_optimizer_state(built(AdamW(), weights([(4, 3)])), tmp_path, plain)
    with pytest.raises(CheckpointError, match="want AdamW over 2 of the same shapes"):
        load_optimizer_state(built(AdamW(), weights([(3, 4), (3,)])), tmp_path, plain)


def test_a_sharded_state_is_refused_where_parameters_are_whole(tmp_path: Path) -> None:
    optimizer = built(AdamW(), weights())
    plain = write_optimizer_state(tmp_path, optimizer, tmp_path / "unused")
    assert not is_sharded(optimizer)
    with pytest.raises(CheckpointError, match=r"TrainConfig\.sharded"):
        load_optimizer_state(optimizer, tmp_path, plain | {"kinds": {}})


@pytest.mark.parametrize("damage", ["missing", "half"])
def test_a_missing_or_damaged_file_is_one_line(damage: str, tmp_path: Path) -> None:
    parameters = weights()
    optimizer = built(AdamW(), parameters)
    take_steps(optimizer, parameters, range(1))
    plain = write_optimizer_state(tmp_path, optimizer, tmp_path / "unused")
    path = tmp_path / "optimizer.safetensors"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors: got .*; want") as raised:
        load_optimizer_state(optimizer, tmp_path, plain)
    assert "\n" not in str(raised.value)
