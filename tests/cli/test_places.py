"""--on and --part name a place, and a cell's command line is the one that was typed."""

from __future__ import annotations

import pytest
import typer
from toy_grid import ToyGrid

from motet.cli import places
from motet.cli.main import app
from motet.cli.places import Local, Share, command_line, place_of, slurm_share
from motet.core import ConfigError
from motet.experiments.run_grid import HERE


@pytest.fixture
def typed():
    """Parses a command line, and gives the context that its command gets."""
    whole = typer.main.get_command(app())

    def parse(*words):
        at, command, rest = whole.make_context("motet", list(words)), whole, list(words)
        while hasattr(command, "commands"):
            name, command, rest = command.resolve_command(at, rest)
            at = command.make_context(name, rest, parent=at)
            rest = [*at._protected_args, *at.args]
        return at

    return parse


def test_a_cell_gets_every_option_again(typed):
    words = (
        "analyse", "groups", "lit_decoder:tiny", "--group", "a=x,y", "--group", "b=z", "--triples", "--seeds", "2",
        "--set", "train.steps=3", "--role", "test", "--json", "--on", "local:3", "--device", "cpu",
    )  # fmt: skip
    again = command_line(typed(*words))
    assert again[:2] == ("analyse", "groups")
    assert again[-2:] == ("--", "lit_decoder:tiny")
    assert {"--group=a=x,y", "--group=b=z", "--triples", "--seeds=2", "--set=train.steps=3", "--role=test"} < set(again)
    assert not [word for word in again if word.startswith(("--on", "--part", "--json", "--only", "--one-each"))]
    assert command_line(typed(*again)) == again


def test_a_negative_flag_stays_one(typed):
    assert "--no-run" in command_line(typed("study", "f.py", "--no-run"))
    assert "--run" in command_line(typed("study", "f.py"))


def test_several_arguments_come_back(typed):
    assert command_line(typed("analyse", "interference", "a", "--", "-b"))[-3:] == ("--", "a", "-b")


def test_options_name_a_place(typed, monkeypatch):
    context = typed("study", "f.py")
    words = command_line(context)
    monkeypatch.setenv("SLURM_PROCID", "2")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    assert place_of(context, "", "", default=HERE) is HERE
    assert place_of(context, "local", "", default=HERE) == Local(words, 1)
    assert place_of(context, "local:4", "", default=HERE) == Local(words, 4)
    assert place_of(context, "", "2/3", default=HERE) == Share(words, 2, 3)
    assert place_of(context, "slurm", "", default=HERE) == Share(words, 3, 4)


@pytest.mark.parametrize(
    ("on", "part", "message"),
    [
        ("local:0", "", "--on: got 'local:0'; want local:N, slurm, ray or ray:ADDRESS"),
        ("moon", "", "--on: got 'moon'"),
        ("", "0/3", "--part: got '0/3'; want I/N, from 1/N to N/N"),
        ("", "4/3", "--part: got '4/3'"),
        ("local:2", "1/2", "got --on local:2 and --part 1/2; want one of them"),
        ("slurm", "", "--on slurm: got no task of Slurm"),
    ],
)
def test_other_places_are_refused(typed, monkeypatch, on, part, message):
    for name in ("SLURM_PROCID", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=message.replace("(", "\\(")):
        place_of(typed("study", "f.py"), on, part, default=HERE)


def test_tasks_of_an_array_and_of_srun_are_numbered_through():
    array = {"SLURM_ARRAY_TASK_ID": "12", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_COUNT": "3"}
    array |= {"SLURM_ARRAY_TASK_STEP": "2"}
    srun = {"SLURM_PROCID": "1", "SLURM_NTASKS": "4"}
    assert slurm_share(array) == (2, 3)
    assert slurm_share(srun) == (2, 4)
    assert slurm_share(array | srun) == (6, 12)


def test_local_jobs_share_cores_and_gpus(monkeypatch):
    monkeypatch.setattr(places.os, "cpu_count", lambda: 8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert places._own_share((), 0, 1) == {}
    assert places._own_share((), 3, 4) == {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "6"}
    assert places._own_share(("--device=cuda:1",), 3, 4) == {"OMP_NUM_THREADS": "2"}


@pytest.mark.parametrize("place", [Local(("study",), 2), Share(("study",), 2, 2)])
def test_every_cell_is_run_by_its_own_command_line(tmp_path, monkeypatch, place):
    grid, ran = ToyGrid(tmp_path, ("a", "b", "c")), []

    def run_cell_process(grid, cell, words, *, stopping, **environment):
        assert words == ("study",)
        ran.append((cell.name, sorted(environment)))
        grid.run(cell)
        return ""

    monkeypatch.setattr("motet.cli.subprocesses.run_cell_process", run_cell_process)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    place.run(grid, log=str)
    assert sorted(name for name, _ in ran) == ["a", "b", "c"]
    assert {tuple(names) for _, names in ran} == {("OMP_NUM_THREADS",) if isinstance(place, Local) else ()}
    if isinstance(place, Share):
        assert ran[0][0] == "c", "the second of two begins in the middle"
