"""Parameters cut over two ranks: the weights of whole ones; killed and resumed the same, bit for bit."""

import json
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_runs import ToyRun, finish, start

from motet.core import CheckpointError, ConfigError
from motet.core.model_folder import read_weights, step_folder, steps_in
from motet.training.balancers import FAMO
from motet.training.checkpoint import balancer_state, tensors_equal
from motet.training.config import TrainConfig
from motet.training.optim import Adafactor, HfAdamW, SkipUnusedAdamW


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folders = {sharded: tmp_path_factory.mktemp(f"sharded-{sharded}") for sharded in (False, True)}
    runs = (ToyRun(folder, steps=15, dropout=0.0, sharded=sharded) for sharded, folder in folders.items())
    assert finish([process for run in runs for process in start(run, world=2)], 120) == [0] * 4
    return folders


def test_cut_and_whole_parameters_end_alike(trained: dict[bool, Path]) -> None:
    whole, cut = (dict(read_weights(trained[sharded])) for sharded in (False, True))
    assert whole.keys() == cut.keys()
    for name, tensor in whole.items():
        torch.testing.assert_close(cut[name], tensor, rtol=0, atol=1e-6)


def test_each_rank_writes_its_part_of_the_moments_alone(trained: dict[bool, Path]) -> None:
    state = {sharded: step_folder(folder, 15) / "state" for sharded, folder in trained.items()}
    assert not (state[True] / "optimizer.safetensors").exists()
    parts = [load_file(file) for file in sorted((state[True] / "parts").glob("*.safetensors"))]
    assert len(parts) == 2
    whole = load_file(state[False] / "optimizer.safetensors")
    moments = [name for name in whole if "exp_avg" in name]
    assert moments
    for name in moments:
        found = [part[name] for part in parts if name in part]
        torch.testing.assert_close(torch.cat(found).view_as(whole[name]), whole[name], rtol=0, atol=1e-6)
    assert all(sum(p.numel() for p in part.values()) < 0.7 * sum(w.numel() for w in whole.values()) for part in parts)


def test_a_balancer_that_reads_losses_after_the_step_gathers_the_new_weights(tmp_path: Path) -> None:
    folders = {sharded: tmp_path / str(sharded) for sharded in (False, True)}
    runs = [
        ToyRun(folder, steps=8, dropout=0.0, sharded=sharded, balancer=FAMO()) for sharded, folder in folders.items()
    ]
    assert finish([process for run in runs for process in start(run, world=2)], 120) == [0] * 4
    states = [balancer_state(step_folder(folder, 8)) for folder in folders.values()]
    assert float(states[0]["logits"].abs().max()) > 0
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-4, atol=1e-6)
    whole, cut = (dict(read_weights(folders[sharded])) for sharded in (False, True))
    for name, tensor in whole.items():
        torch.testing.assert_close(cut[name], tensor, rtol=0, atol=1e-6)


@pytest.mark.parametrize("death", [{"step": 13}, {"fsync": 7}])
def test_killed_and_resumed_is_bit_equal(trained: dict[bool, Path], tmp_path: Path, death: dict[str, int]) -> None:
    codes = finish(start(ToyRun(tmp_path, steps=15, dropout=0.0, sharded=True, die=death), world=2), 60)
    assert -signal.SIGKILL in codes
    assert steps_in(tmp_path) != (15,)
    assert finish(start(ToyRun(tmp_path, steps=15, dropout=0.0, sharded=True), world=2), 60) == [0, 0]
    assert tensors_equal(dict(read_weights(trained[True])), dict(read_weights(tmp_path)))
    assert not list(tmp_path.glob(".parts-*"))


def test_three_ranks_go_on_with_the_parts_of_two(trained: dict[bool, Path], tmp_path: Path) -> None:
    whole = ToyRun(tmp_path, steps=15, dropout=0.0, sharded=True, die={"step": 13})
    finish(start(whole, world=2), 60)
    assert finish(start(ToyRun(tmp_path, steps=15, dropout=0.0, sharded=True), world=3), 60) == [0, 0, 0]
    found = dict(read_weights(tmp_path))
    for name, tensor in read_weights(trained[True]).items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-5)


def test_one_rank_cannot_go_on_with_parts(trained: dict[bool, Path]) -> None:
    with pytest.raises(CheckpointError, match="got it in parts, one per rank; want it whole on one rank"):
        ToyRun(trained[True], steps=15, dropout=0.0)()


@pytest.mark.parametrize("optimizer", [HfAdamW(move_unused=True, correct_bias=False), SkipUnusedAdamW()], ids=str)
def test_every_adamw_cuts_alike(tmp_path: Path, optimizer: HfAdamW) -> None:
    folders = {sharded: tmp_path / str(sharded) for sharded in (False, True)}
    runs = [
        # One task a step: the other's head has no gradient, or none but zeros.
        ToyRun(folder, steps=10, dropout=0.0, sharded=sharded, optimizer=optimizer, regime="stop and go")
        for sharded, folder in folders.items()
    ]
    assert finish([process for run in runs for process in start(run, world=2)], 120) == [0] * 4
    whole, cut = (dict(read_weights(folders[sharded])) for sharded in (False, True))
    for name, tensor in whole.items():
        torch.testing.assert_close(cut[name], tensor, rtol=0, atol=1e-6)
    states = [json.loads((step_folder(folder, 10) / "state" / "state.json").read_text()) for folder in folders.values()]
    counts = [sorted(numbers["step"] for numbers in find(state, "numbers").values()) for state in states]
    assert counts[0] == counts[1]
    assert len(set(counts[0])) > 1 or not optimizer.skip_unused, "no parameter was passed over"
    parts = [load_file(file) for file in (step_folder(folders[True], 10) / "state/parts").glob("*.safetensors")]
    means = [
        name for name in load_file(step_folder(folders[False], 10) / "state/optimizer.safetensors") if "mean" in name
    ]
    assert sum(name in part for part in parts for name in means) > len(means), "the moments are not in parts"


def find(data: object, name: str) -> dict[str, dict[str, int]]:
    """The entry of a name, however deep."""
    if isinstance(data, dict):
        if name in data:
            return data[name]
        return next((found for part in data.values() if (found := find(part, name))), {})
    return {}


def test_only_steps_that_need_nothing_of_the_rest_are_cut() -> None:
    with pytest.raises(ConfigError, match=r"TrainConfig\.sharded: got optimizer Adafactor; want AdamW, HfAdamW or"):
        TrainConfig(steps=1, sharded=True, optimizer=Adafactor())
