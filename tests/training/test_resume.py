"""Killed at any moment and started again, a run ends with the weights, bit for bit, of one that was never stopped."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from toy_runs import ToyRun, finish, start

from motet.core.model_folder import read_weights, steps_in
from motet.training.balancers import FAMO
from motet.training.checkpoint import balancer_state, tensors_equal


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {world: tmp_path_factory.mktemp(f"unbroken-{world}") for world in (1, 2)}
    for world, folder in folders.items():
        assert finish(start(ToyRun(folder, world=world), world=world)) == [0] * world
    return folders


def same_as(unbroken: Path, folder: Path) -> bool:
    assert steps_in(folder) == steps_in(unbroken) == (40,)
    state = [json.loads((f / "step-000040/state/state.json").read_text())["position"] for f in (unbroken, folder)]
    assert state[0]["mixture"] == state[1]["mixture"]
    losses = [[json.loads(line).get("loss") for line in lines(f) if "note" not in line] for f in (unbroken, folder)]
    assert losses[0] == losses[1]
    return tensors_equal(read_weights(unbroken), read_weights(folder))


DEATHS = {
    "in a step": [{"step": 3}, {"step": 17}],
    "at the first of a save's syncs, and in the middle of one": [{"fsync": 1}, {"fsync": 13}],
    "before and after a rename": [{"rename": 1}, {"rename": 2}, {"rename": 3}],
    "in and between evaluations": [{"judge": 1}, {"step": 11}, {"judge": 2}],
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("deaths", DEATHS.values(), ids=DEATHS)
def test_killed_and_resumed_is_bit_equal(
    unbroken: dict[int, Path], tmp_path: Path, deaths: list[dict[str, int]], workers: int
) -> None:
    for die in deaths:
        assert finish(start(ToyRun(tmp_path, workers=workers, die=die))) == [-signal.SIGKILL]
    assert finish(start(ToyRun(tmp_path, workers=workers))) == [0]
    assert same_as(unbroken[1], tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_killed_from_outside_at_moments_nobody_chose(unbroken: dict[int, Path], tmp_path: Path) -> None:
    for _ in range(3):
        before = len(lines(tmp_path))
        processes = start(ToyRun(tmp_path, slow=0.01))
        while len(lines(tmp_path)) <= before + 3 and processes[0].is_alive():
            time.sleep(0.005)
        time.sleep(int.from_bytes(os.urandom(1)) / 255 * 0.08)
        processes[0].kill()
        finish(processes)
    assert finish(start(ToyRun(tmp_path))) == [0]
    assert same_as(unbroken[1], tmp_path)


@pytest.mark.parametrize("workers", [0, 2])
def test_two_ranks_killed_and_resumed_are_bit_equal(unbroken: dict[int, Path], tmp_path: Path, workers: int) -> None:
    processes = start(ToyRun(tmp_path, world=2, workers=workers, die={"step": 13}), world=2)
    assert finish(processes) == [-signal.SIGKILL] * 2
    assert finish(start(ToyRun(tmp_path, world=2, workers=workers), world=2)) == [0, 0]
    assert same_as(unbroken[2], tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops_and_resume_goes_on(
    unbroken: dict[int, Path], tmp_path: Path, number: signal.Signals
) -> None:
    processes = start(ToyRun(tmp_path, slow=0.02, workers=1))
    while len(lines(tmp_path)) < 7:
        time.sleep(0.005)
    os.kill(processes[0].pid or 0, number)
    # Once the step is saved the signal takes effect: Ctrl-C as a KeyboardInterrupt, the other ends the process.
    assert finish(processes) == [1 if number == signal.SIGINT else -number]
    (stopped,) = steps_in(tmp_path)
    assert 7 <= stopped < 40
    assert stopped == len([line for line in lines(tmp_path) if '"loss"' in line])
    assert "stopped by a signal" in lines(tmp_path)[-1]
    assert finish(start(ToyRun(tmp_path))) == [0]
    assert same_as(unbroken[1], tmp_path)


def test_the_rows_and_without_dropout_the_weights_do_not_depend_on_ranks_or_parts(tmp_path: Path) -> None:
    folders = {(world, parts): tmp_path / f"{world}-{parts}" for world, parts in ((1, 1), (2, 1), (1, 2), (2, 3))}
    for (world, parts), folder in folders.items():
        # Few steps, so that rounding does not grow: an evaluation that flips one row changes the rows to come.
        run = ToyRun(folder, world=world, parts=parts, dropout=0.0, steps=6)
        assert finish(start(run, world=world)) == [0] * world
    weights = {key: read_weights(folder) for key, folder in folders.items()}
    for other in weights.values():
        for name, tensor in weights[1, 1].items():
            torch.testing.assert_close(other[name], tensor, rtol=0, atol=1e-6)


def test_another_number_of_ranks_may_go_on(tmp_path: Path) -> None:
    whole, moved = tmp_path / "whole", tmp_path / "moved"
    assert finish(start(ToyRun(whole, dropout=0.0, steps=14))) == [0]
    assert finish(start(ToyRun(moved, dropout=0.0, steps=14, die={"step": 8}))) == [-signal.SIGKILL]
    assert finish(start(ToyRun(moved, dropout=0.0, steps=14, world=2), world=2)) == [0, 0]
    for name, tensor in read_weights(whole).items():
        torch.testing.assert_close(read_weights(moved)[name], tensor, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def round_robin(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Stop-and-go without dropout, whose draws differ between numbers of ranks."""
    folders = {world: tmp_path_factory.mktemp(f"round-robin-{world}") for world in (1, 2)}
    for world, folder in folders.items():
        run = ToyRun(folder, world=world, regime="stop and go", dropout=0.0)
        assert finish(start(run, world=world)) == [0] * world
    return folders


@pytest.mark.parametrize(
    "deaths",
    [[{"step": 7}, {"step": 11}], [{"judge": 1}, {"judge": 3}, {"judge": 4}], [{"rename": 2}, {"fsync": 13}]],
    ids=["in an update", "in an evaluation", "in a save"],
)
def test_stop_and_go_killed_and_resumed_is_bit_equal(
    round_robin: dict[int, Path], tmp_path: Path, deaths: list[dict[str, int]]
) -> None:
    for die in deaths:
        run = ToyRun(tmp_path, regime="stop and go", dropout=0.0, workers=1, die=die)
        assert finish(start(run)) == [-signal.SIGKILL]
    assert finish(start(ToyRun(tmp_path, regime="stop and go", dropout=0.0))) == [0]
    assert same_as(round_robin[1], tmp_path)
    assert standing(tmp_path) == standing(round_robin[1])


def test_stop_and_go_stops_tasks_brings_them_back_and_passes_over_empty_steps(round_robin: dict[int, Path]) -> None:
    told = standing(round_robin[1])
    assert told[0] == (0, {"task_a": "go", "task_b": "go"})
    assert {word for _, changed in told[1:] for word in changed.values()} == {"go", "stop"}
    state = json.loads((round_robin[1] / "step-000040/state/state.json").read_text())["position"]
    logged = [json.loads(line) for line in lines(round_robin[1])]
    assert state["step"] == 40 > state["advanced"] == len([line for line in logged if "loss" in line])
    evaluated = {line["step"]: {r["task"] for r in line["results"]} for line in logged if "results" in line}
    assert evaluated[4] == {"task_a"}
    assert evaluated[5] == {"task_b"}
    assert evaluated[7] == evaluated[40] == {"task_a", "task_b"}


def test_two_ranks_share_each_batch_of_a_round_robin(round_robin: dict[int, Path], tmp_path: Path) -> None:
    told = {world: standing(folder) for world, folder in round_robin.items()}
    assert told[1] == told[2]
    for name, tensor in read_weights(round_robin[1]).items():
        torch.testing.assert_close(read_weights(round_robin[2])[name], tensor, rtol=0, atol=1e-5)
    run = ToyRun(tmp_path, world=2, regime="stop and go", dropout=0.0, die={"step": 11})
    assert finish(start(run, world=2)) == [-signal.SIGKILL] * 2
    again = ToyRun(tmp_path, world=2, regime="stop and go", dropout=0.0)
    assert finish(start(again, world=2)) == [0, 0]
    assert same_as(round_robin[2], tmp_path)


def standing(folder: Path) -> list[tuple[int, dict[str, str]]]:
    """What the log says of tasks that change what they do."""
    told = [json.loads(line) for line in lines(folder)]
    return [(line["step"], line["task_status"]) for line in told if "task_status" in line]


def lines(folder: Path) -> list[str]:
    log = folder / "log.jsonl"
    return log.read_text().splitlines() if log.exists() else []


def test_a_killed_run_whose_balancer_remembers_is_bit_equal(tmp_path: Path) -> None:
    """FAMO forwards twice and learns; its logits, Adam and the last losses have to come back."""
    assert finish(start(ToyRun(tmp_path / "whole", balancer=FAMO()))) == [0]
    for die in ({"step": 17}, {"fsync": 13}, {"step": 23}):
        killed = finish(start(ToyRun(tmp_path / "killed", balancer=FAMO(), die=die)))
        assert killed == [-signal.SIGKILL]
    assert finish(start(ToyRun(tmp_path / "killed", balancer=FAMO()))) == [0]
    assert same_as(tmp_path / "whole", tmp_path / "killed")
    states = [balancer_state(tmp_path / name / "step-000040") for name in ("whole", "killed")]
    assert tensors_equal(*states)
