"""A wrapped module is the encoder of every system that takes one: it has gradients where it is tuned, and none else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from own_modules import SHADE, Convolution, Squares, Vector, build_convolution

import motet
from motet.core import CheckpointError, ConfigError
from motet.nn.tower import EncoderMode, Finetune, Frozen
from motet.nn.wrapped import wrap
from motet.recipes import lit_decoder, twelve_in_one, uni_perceiver, unit
from motet.systems import build_system
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.tasks import question_answering
from motet.training.run import Features

HALF: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
ASKED = question_answering("asked", answers=("yes", "no"))
SYSTEMS = {
    "lit_decoder": (lambda: lit_decoder.small(width=32), "encoder", SHADE),
    "unit": (unit.small, "trunk", SHADE),
    "twelve_in_one": (twelve_in_one.small, "trunk", ASKED),
    "uni_perceiver": (uni_perceiver.small, "encoder", SHADE),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("mode", [Frozen(), Finetune(1.0)], ids=["frozen", "tuned"])
def test_every_system_that_takes_an_encoder_takes_a_module(name: str, mode: EncoderMode) -> None:
    make, field, task = SYSTEMS[name]
    encoder = wrap(Convolution(), size=32, **HALF)
    config = replace(make(), **{field: encoder, "mode": mode})
    system = build_system(config, (task,), texts=lambda: ("dark grey light", "is it light", "yes no"))
    rows = [system.processor.row(Squares(0, 6)[place], (task,), None) for place in range(4)]
    losses = system.losses(system.processor.collate(rows, keep_annotations=False))
    losses.tasks[task.name].total.backward()
    own = [p for path, p in system.named_parameters() if "features.module" in path]
    assert own
    if isinstance(mode, Frozen):
        assert all(p.grad is None for p in own)
    else:
        assert all(p.grad is not None for p in own)


def test_adapters_say_that_they_are_inside_a_trunk_of_timm() -> None:
    with pytest.raises(ConfigError, match=r"ViTAdaptersConfig.trunk: got a WrappedEncoder; want a TimmTrunk"):
        ViTAdaptersConfig(trunk=wrap(Convolution(), size=32, **HALF))  # type: ignore[arg-type]


def run(encoder: Any, mode: EncoderMode, folder: Path) -> motet.Run:
    sources = tuple(
        motet.Source(name=role, reader=Squares(first, count), tasks=(SHADE,), role=role)  # type: ignore[arg-type]
        for role, first, count in (("train", 0, 30), ("test", 30, 12))
    )
    system = replace(lit_decoder.small(width=32, image_size=32), encoder=encoder, mode=mode)
    features = Features(folder / "features") if isinstance(mode, Frozen) else None
    return motet.Run(system, sources, train=motet.TrainConfig(steps=3), features=features)


@pytest.mark.parametrize("mode", [Frozen(), Finetune(1.0)], ids=["frozen", "tuned"])
def test_a_built_module_is_handed_in_again_and_gets_the_weights_of_the_run(mode: EncoderMode, tmp_path: Path) -> None:
    module = Vector()
    before = module.body.conv.weight.detach().clone()
    report = motet.train(run(wrap(module, size=32, name="mine", **HALF), mode, tmp_path), tmp_path / "run", show=False)
    test = run(wrap(module, size=32, **HALF), mode, tmp_path).of_role("test")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()  # the weights come from the run
    again = motet.evaluate(tmp_path / "run", test, parts={"mine": module})
    assert [one.value for one in again.results] == [one.value for one in report.results]
    trained = motet.load_system(tmp_path / "run", parts={"mine": wrap(module, size=32, **HALF)})
    weights = next(p for path, p in trained.named_parameters() if path.endswith("conv.weight"))
    assert torch.equal(weights, before) == isinstance(mode, Frozen)
    with pytest.raises(CheckpointError, match=r"motet.wrap\(mine\): got no module 'mine'"):
        motet.load(tmp_path / "run")
    with pytest.raises(CheckpointError, match="parts: 'mine': got a Vector of other layers or shapes"):
        motet.load(tmp_path / "run", parts={"mine": Vector(width=9)})


def test_a_builder_is_loaded_by_trust_without_its_pretrained_weights(tmp_path: Path) -> None:
    encoder = wrap(build_convolution, size=32, width=5, **HALF)
    motet.train(run(encoder, Frozen(), tmp_path), tmp_path / "run", show=False)
    system = motet.load_system(tmp_path / "run", trust=("own_modules",))
    weights = next(p for path, p in system.named_parameters() if path.endswith("conv.weight"))
    assert torch.equal(weights, torch.full_like(weights, 0.01))  # those of the run, which began as pretrained ones
    with pytest.raises(CheckpointError, match=r"--trust .*own_modules"):
        motet.load(tmp_path / "run")
