"""Boxes on one rank and sentences on the other: one process's weights; killed and resumed: the same, bit for bit."""

import signal
from pathlib import Path

import pytest
import torch
from toy_runs import finish, start
from toy_unit import UniTRun

from motet.core.model_folder import read_weights, steps_in
from motet.training.checkpoint import tensors_equal

OF_QUESTIONS = ("queries.vqa", "heads.vqa.", "vision.layers.tokens.vqa", "text.tokens.vqa")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {world: tmp_path_factory.mktemp(f"ranks-{world}") for world in (1, 2)}
    started = [process for world, folder in folders.items() for process in start(UniTRun(folder), world=world)]
    assert finish(started, 300) == [0, 0, 0]
    return folders


def weights(folder: Path) -> dict[str, torch.Tensor]:
    assert steps_in(folder / "run") == (60,)
    return dict(read_weights(folder / "run"))


def test_two_ranks_of_different_tasks_end_where_one_process_with_both_does(trained: dict[int, Path]) -> None:
    alone, together = (weights(trained[world]) for world in (1, 2))
    assert alone.keys() == together.keys()
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=0, atol=1e-6)


def test_what_both_tasks_and_each_of_them_use_has_moved(trained: dict[int, Path]) -> None:
    before, after = dict(read_weights(trained[2] / "start")), weights(trained[2])
    for start_of in ("decoder.", "vision.trunk.", "text.tower.", "heads.boxes.", "heads.pair."):
        named = [name for name in before if name.startswith(start_of)]
        assert named
        assert not all(torch.equal(before[name], after[name]) for name in named)


def test_a_task_that_no_rank_ever_had_stays_bit_equal(trained: dict[int, Path]) -> None:
    for folder in trained.values():
        before, after = dict(read_weights(folder / "start")), weights(folder)
        for start_of in OF_QUESTIONS:
            named = [name for name in before if name.startswith(start_of)]
            assert named
            assert all(torch.equal(before[name], after[name]) for name in named)


@pytest.mark.parametrize(("world", "death"), [(1, {"step": 50}), (1, {"fsync": 13}), (2, {"step": 27})])
def test_killed_and_resumed_is_bit_equal(
    trained: dict[int, Path], tmp_path: Path, world: int, death: dict[str, int]
) -> None:
    """Each parameter goes on with its own count of steps."""
    codes = finish(start(UniTRun(tmp_path, die=death), world=world), 300)
    assert codes[0] == -signal.SIGKILL  # the other rank has nobody to talk to then
    assert finish(start(UniTRun(tmp_path, workers=1), world=world), 300) == [0] * world
    assert tensors_equal(weights(trained[world]), weights(tmp_path))
