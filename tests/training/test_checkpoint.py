"""A checkpoint is whole or not there: a full disk, a folder that cannot be written, other runs, damaged files."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.optim import Optimizer
from toy_runs import SavesInto, finish, start
from toys import ToySystem, toy_sources, toy_system

from motet.core import CheckpointError
from motet.core.model_folder import read_model, read_weights, steps_in
from motet.training import checkpoint
from motet.training.checkpoint import Position, load, save, save_system, tensors_equal
from motet.training.optim import Adafactor, AdamW, OptimizerSpec
from motet.training.saved_names import saved_names

IDENTITY = {"train": {"lr": 0.1, "seed": 3}, "tasks": ["a", "b"]}


def built(spec: OptimizerSpec, *, width: int = 40) -> tuple[ToySystem, Optimizer]:
    system = toy_system(toy_sources(5), width=width)
    return system, spec.build(system.parameter_groups(), lr=0.1, weight_decay=0.01)


def trained(spec: OptimizerSpec, steps: int, system: ToySystem, optimizer: Optimizer) -> None:
    generator = torch.Generator().manual_seed(steps)
    for _ in range(steps):
        for parameter in system.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


def position(step: int) -> Position:
    return Position(step=step, advanced=step, mixture={"taken": {"a": 5}}, log_bytes=17, skipped=2)


def saved(folder: Path, step: int = 3, keep: int = 2) -> tuple[ToySystem, Optimizer]:
    system, optimizer = built(AdamW())
    trained(AdamW(), step, system, optimizer)
    save(folder, position(step), system, optimizer, identity=IDENTITY, keep_checkpoints=keep)
    return system, optimizer


@pytest.mark.parametrize("spec", [AdamW(), Adafactor(), Adafactor(momentum=None)])
def test_an_optimiser_goes_on_bit_equal(tmp_path: Path, spec: OptimizerSpec) -> None:
    system, optimizer = built(spec)
    trained(spec, 5, system, optimizer)
    save(tmp_path, position(5), system, optimizer, identity=IDENTITY, keep_checkpoints=1)
    other, fresh = built(spec)
    assert load(tmp_path, other, fresh, identity=IDENTITY) == position(5)
    for pair in ((system, optimizer), (other, fresh)):
        trained(spec, 4, *pair)
    assert tensors_equal(system.state_dict(), other.state_dict())


def test_the_folder_is_a_saved_model_with_the_state_apart(tmp_path: Path) -> None:
    system, _ = saved(tmp_path)
    folder = tmp_path / "step-000003"
    assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == {
        "model.safetensors", "config.json", "tasks.json", "assets/words.txt", "state/optimizer.safetensors",
        "state/state.json",
    }  # fmt: skip
    assert tensors_equal(read_weights(tmp_path), system.state_dict())
    assert read_model(tmp_path, saved_names(["toys"])).assets == {"words.txt": b"green red"}


def test_the_latest_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        saved(tmp_path, step)
    assert steps_in(tmp_path) == (3, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000003", "step-000004"]


def test_nothing_to_load_is_a_fresh_start(tmp_path: Path) -> None:
    assert load(tmp_path, *built(AdamW()), identity=IDENTITY) is None


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"train": {"lr": 0.2, "seed": 3}, "tasks": ["a", "b"]}, r"another run: train.lr: got 0.1; want 0.2$"),
        ({"train": {"lr": 0.1, "seed": 3}, "tasks": ["a", "c"]}, r"another run: tasks\[1\]: got 'b'; want 'c'$"),
        ({"train": {"lr": 0.1, "seed": 3}, "tasks": ["a"]}, r"another run: tasks: got \['a', 'b'\]; want \['a'\]$"),
        ({"train": {"lr": 0.1}, "tasks": ["a", "b"]}, r"another run: train.seed: got 3; want None$"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, identity: dict[str, object], message: str) -> None:
    saved(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path, *built(AdamW()), identity=identity)


def test_another_optimiser_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"got the state of AdamW over 4 parameters; want AdafactorBigVision over 4"
    ):
        load(tmp_path, *built(Adafactor()), identity=IDENTITY)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "state/optimizer.safetensors", "config.json", "assets/words.txt"]
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    path = tmp_path / "step-000003" / name
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=rf"{name}: got other bytes than were saved"):
        load(tmp_path, *built(AdamW()), identity=IDENTITY)
    path.unlink()
    with pytest.raises(CheckpointError, match=rf"{name}: got No such file"):
        load(tmp_path, *built(AdamW()), identity=IDENTITY)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_state_is_named(tmp_path: Path, text: str) -> None:
    saved(tmp_path)
    (tmp_path / "step-000003/state/state.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"state.json: got .*; want the state of a checkpoint to go on from"):
        load(tmp_path, *built(AdamW()), identity=IDENTITY)


def full(after: int) -> Callable[[int], None]:
    calls: list[int] = []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


@pytest.mark.parametrize("after", range(8))
def test_a_disk_that_fills_up_in_a_save_leaves_the_earlier_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    system, _ = saved(tmp_path, 3, keep=1)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full(after))
        with pytest.raises(
            CheckpointError, match=r"^checkpoint of step 4: got No space left on device; want a folder "
        ):
            saved(tmp_path, 4, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000003"]
    other, fresh = built(AdamW())
    assert load(tmp_path, other, fresh, identity=IDENTITY) == position(3)
    assert tensors_equal(system.state_dict(), other.state_dict())


def test_a_write_that_the_system_refuses_in_the_middle_is_one_line(tmp_path: Path) -> None:
    assert finish(start(SavesInto(tmp_path))) == [0]
    said = (tmp_path / "said.txt").read_text()
    assert said.startswith("checkpoint of step 4: got ")
    assert "File too large" in said
    assert "\n" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["said.txt", "step-000003"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        CheckpointError, match=r"checkpoint of step 3: got (Not a directory|File exists); want a folder"
    ):
        saved(tmp_path / "file")


def test_a_saved_system_replaces_an_earlier_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = toy_system(toy_sources(5)), toy_system(toy_sources(5), seed=1)
    save_system(first, tmp_path / "model")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full(2))
        with pytest.raises(CheckpointError, match="got No space left on device"):
            save_system(second, tmp_path / "model")
    assert tensors_equal(read_weights(tmp_path / "model"), first.state_dict())
    save_system(second, tmp_path / "model")
    assert tensors_equal(read_weights(tmp_path / "model"), second.state_dict())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
