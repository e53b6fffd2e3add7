"""Two ranks: one report, one error, the weights that one process would have."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_ranks import LostRank, Together, ranks_run
from toy_runs import finish, start
from toys import toy_sources, toy_system

from motet.core import ConfigError
from motet.core.model_folder import read_weights, steps_in
from motet.training.distributed import add_gradients, choose_device, processes
from motet.training.run_training import run_training


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    assert finish(start(Together(folder), world=2), 120) == [0, 0]
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_a_whole_run_gives_what_one_process_gives(folder: Path, said: list[dict[str, Any]], tmp_path: Path) -> None:
    alone = run_training(ranks_run(tmp_path), tmp_path / "run", device="cpu", show=False).to_dict()
    assert said[0]["report"] == said[1]["report"]
    assert json.loads((folder / "run/report.json").read_text()) == said[0]["report"]
    assert said[0]["report"]["results"] == json.loads(json.dumps(alone))["results"]
    assert said[0]["report"]["samples_seen"] == alone["samples_seen"]
    assert steps_in(folder / "run") == (8,)
    for name, tensor in read_weights(tmp_path / "run").items():
        torch.testing.assert_close(read_weights(folder / "run")[name], tensor, rtol=0, atol=1e-6)
    assert json.loads((folder / "run/run.json").read_text())["ranks"] == 2


def test_skipped_rows_are_counted_over_ranks(said: list[dict[str, Any]]) -> None:
    assert said[0]["skipped"] == said[1]["skipped"] == ["2 bad rows skipped, others drawn"]


def test_an_error_of_rank_0_is_every_ranks(said: list[dict[str, Any]]) -> None:
    assert said[0]["full"] == said[1]["full"]
    assert said[0]["full"].startswith("checkpoint of step 2: got No space left on device; want")
    assert said[0]["unfit"] == said[1]["unfit"]
    assert "beyond the range of float16" in said[0]["unfit"]


def test_a_rank_whose_partner_was_killed_ends_in_one_line(tmp_path: Path) -> None:
    assert finish(start(LostRank(tmp_path), world=2), 60) == [0, -signal.SIGKILL]
    line = (tmp_path / "error").read_text()
    assert line.startswith("TrainingError: rank 0 of 2: got no answer of another rank (")
    assert len(line.splitlines()) == 1


def test_ranks_start_from_the_weights_of_rank_0(said: list[dict[str, Any]]) -> None:
    want = [float(parameter.detach().sum()) for parameter in toy_system(toy_sources(5), seed=0).parameters()]
    assert said[0]["weights"] == said[1]["weights"] == want


def test_a_buffer_that_was_written_follows_rank_0_and_others_are_left(said: list[dict[str, Any]]) -> None:
    assert [one["buffers"] for one in said] == [[0.0, 0.0, pytest.approx(0.1)], [0.0, 1.0, pytest.approx(0.1)]]


def test_alone_nothing_is_added_and_no_group_is_needed() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    add_gradients([weight])
    assert weight.grad.tolist() == [1, 1]
    with processes("cpu") as device:
        assert device.type == "cpu"
        assert not torch.distributed.is_initialized()


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="device: got 'gpu'; want cpu, cuda"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="device: got 'cuda'; want cpu, since no CUDA GPU is available"):
            choose_device("cuda")
