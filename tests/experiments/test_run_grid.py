"""A grid is worked off once by any number of processes, whichever of them die, with the results of one alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
from toy_grid import ToyGrid, noted

from motet.core import CheckpointError, ConfigError
from motet.experiments.claims import Claims
from motet.experiments.run_grid import CLAIMS, Here, cell_of, check_finished, work_off

NAMES = tuple(f"cell {number}" for number in range(12))


def in_this_process(grid, cell, job, stopping):
    grid.run(cell)
    return ""


def start(folder, part, parts, *, seconds, beat=0.05, lapse=0.4):
    """A process that works on the grid in this folder."""

    def work():
        claims = Claims(folder / CLAIMS, beat=beat, lapse=lapse)
        work_off(
            ToyGrid(folder, NAMES, seconds=seconds), in_this_process,
            start=part / parts, claims=claims, log=str, poll=0.02,
        )  # fmt: skip

    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    return process


def alone(folder):
    folder.mkdir()
    grid = ToyGrid(folder, NAMES)
    Here().run(grid, log=str)
    return grid.results()


def wait_for(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_four_processes_run_each_cell_once(tmp_path):
    (tmp_path / "four").mkdir()
    processes = [start(tmp_path / "four", part, 4, seconds=0.05) for part in range(4)]
    for process in processes:
        process.join(20)
        assert process.exitcode == 0
    ran = noted(tmp_path / "four/ran")
    assert sorted(cell for cell, _ in ran) == sorted(NAMES)
    assert len({pid for _, pid in ran}) > 1  # one that starts late finds nothing left
    assert ToyGrid(tmp_path / "four", NAMES).results() == alone(tmp_path / "one")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_cells_of_processes_that_die_or_hang_are_run_by_the_others(tmp_path, how):
    folder = tmp_path / "four"
    folder.mkdir()
    processes = [start(folder, part, 4, seconds=0.1) for part in range(4)]
    wait_for(lambda: len({pid for _, pid in noted(folder / "began")}) == 4)
    lost = processes[:2]
    for process in lost:
        os.kill(process.pid, how)
    for process in processes[2:]:
        process.join(20)
        assert process.exitcode == 0
    ran = noted(folder / "ran")
    assert sorted(cell for cell, _ in ran) == sorted(NAMES)
    begun = [cell for cell, pid in noted(folder / "began") if pid in [one.pid for one in lost]]
    survivors = [one.pid for one in processes[2:]]
    interrupted = set(begun) - {cell for cell, pid in ran if pid not in survivors}
    assert interrupted, "nothing was running when they were ended"
    assert all(pid in survivors for cell, pid in ran if cell in interrupted)
    assert ToyGrid(folder, NAMES).results() == alone(tmp_path / "one")
    for process in lost:
        os.kill(process.pid, signal.SIGKILL)


def test_a_cell_waits_for_those_before_it(tmp_path):
    grid = ToyGrid(tmp_path, ("c", "b", "a"), after={"c": ("b",), "b": ("a",)})
    Here(jobs=3).run(grid, log=str)
    assert [cell for cell, _ in noted(tmp_path / "ran")] == ["a", "b", "c"]


def test_a_second_call_runs_what_is_missing(tmp_path):
    grid, lines = ToyGrid(tmp_path, ("a", "b")), []
    Here().run(grid, log=lines.append)
    (tmp_path / "b.txt").unlink()
    Here().run(grid, log=lines.append)
    assert [cell for cell, _ in noted(tmp_path / "ran")] == ["a", "b", "b"]
    assert lines == ["toy: 2 runs, 0 finished", "a: done", "b: done", "toy: 2 runs, 1 finished", "b: done"]


def test_a_failure_stops_neither_the_others_nor_comes_twice(tmp_path):
    grid, tried = ToyGrid(tmp_path, ("a", "b", "c"), after={"c": ("a",)}), []

    def failing(grid, cell, job, stopping):
        tried.append(cell.name)
        if cell.name == "a":
            return "no room"
        return in_this_process(grid, cell, job, stopping)

    lines = []
    work_off(grid, failing, log=lines.append)
    assert sorted(tried) == ["a", "b", "c"]
    assert "a: no room" in lines
    with pytest.raises(CheckpointError, match="got no result of a; want all"):
        check_finished(grid)


def test_a_run_without_a_result_is_no_success(tmp_path):
    grid = ToyGrid(tmp_path, ("a",))
    work_off(grid, lambda grid, cell, job, stopping: "", log=str)
    with pytest.raises(CheckpointError):
        check_finished(grid)


def test_a_stop_is_no_failure_and_frees_the_cell(tmp_path):
    grid, stop = ToyGrid(tmp_path, ("a", "b")), []

    def stopped(grid, cell, job, stopping):
        stop.append(cell.name)
        assert stopping()
        return "stopped"

    began = Claims(tmp_path / CLAIMS)
    work_off(grid, stopped, stopping=lambda: bool(stop), log=str)
    assert stop == ["a"]
    assert began.error("a") == ""
    assert began.take("a") is not None


def test_what_a_cell_raises_here_ends_the_grid_and_frees_the_cell(tmp_path):
    grid = ToyGrid(tmp_path, ("a", "b"))

    def broken(cell):
        raise ConfigError("no")

    grid.on_run = broken
    for jobs in (1, 2):
        with pytest.raises(ConfigError):
            Here(jobs).run(grid, log=str)
    grid.on_run = lambda cell: None
    Here().run(grid, log=str)
    check_finished(grid)


def test_an_unknown_cell_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="toy: got the cell 'x'; want one of a, b"):
        cell_of(ToyGrid(tmp_path, ("a", "b")), "x")
