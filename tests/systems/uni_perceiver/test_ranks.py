"""Pairs gathered over two ranks give the weights of one process; a killed and resumed run the same, bit for bit."""

import signal
from pathlib import Path

import pytest
import torch
from toy_runs import finish, start
from toy_uni_perceiver import UniPerceiverRun

from motet.core.model_folder import read_weights, steps_in
from motet.training.checkpoint import tensors_equal


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {world: tmp_path_factory.mktemp(f"ranks-{world}") for world in (1, 2)}
    started = [process for world, folder in folders.items() for process in start(UniPerceiverRun(folder), world=world)]
    assert finish(started, 300) == [0, 0, 0]
    return folders


def weights(folder: Path) -> dict[str, torch.Tensor]:
    assert steps_in(folder / "run")[-1] == 9
    return dict(read_weights(folder / "run"))


def test_two_ranks_with_gathered_pairs_train_as_one_process_with_all_pairs(trained: dict[int, Path]) -> None:
    alone, together = (weights(trained[world]) for world in (1, 2))
    before = dict(read_weights(trained[2] / "start"))
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=0, atol=1e-6)
    assert not torch.equal(together["similarity.project.weight"], before["similarity.project.weight"])


def test_killed_and_resumed_it_ends_bit_equal(trained: dict[int, Path], tmp_path: Path) -> None:
    dead = finish(start(UniPerceiverRun(tmp_path, die={"step": 7}), world=1), 300)
    assert dead == [-signal.SIGKILL]
    assert finish(start(UniPerceiverRun(tmp_path), world=1), 300) == [0]
    assert tensors_equal(weights(trained[1]), weights(tmp_path))
