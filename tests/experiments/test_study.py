"""A study goes on where it stopped, survives a cell that fails, and its table comes from its files alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from motet.core import ConfigError, DataError, Example, Report, Result
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.experiments.run_grid import Here
from motet.experiments.study import (
    FinishedCell,
    Study,
    digest_of,
    finished,
    read_done,
    run_cell,
    run_folder,
    table,
    write_done,
)
from motet.experiments.study_grid import run_study
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.tasks import captioning, classification
from motet.training.config import TrainConfig
from motet.training.run import From, Run

SCORES = {"joint": (80.0, 82.0), "single/a": (70.0, 74.0), "single/b": (30.0, 34.0)}


@dataclasses.dataclass(frozen=True)
class Rows:
    count: int = 4
    style: str = "colour"

    def __len__(self):
        return self.count

    def keys(self, index):
        return (f"i{index}",)

    def __getitem__(self, index):
        return Example(id=f"r{index}", image_ids=self.keys(index), labels={"class": 0})


def run(*names, depth=1):
    known = {"a": classification("a", ("x", "y")), "b": captioning("b")}
    sources = tuple(Source(name=name, reader=Rows(), tasks=(known[name],)) for name in names)
    system = LiTDecoderConfig(depth=depth, width=8, heads=1)
    return Run(system=system, sources=sources, schedule=Mixed(batch_size=2), train=TrainConfig(steps=5))


@pytest.fixture
def study():
    cells = {"joint": run("a", "b"), "single/a": run("a"), "single/b": run("b")}
    return Study(name="table 1", cells=cells, seeds=(0, 1), about="What joint training costs.")


def report(run, value, step=5):
    results = tuple(
        Result(
            task=task.name, source="s", metric=task.main_metric, value=value, unit="%", higher_is_better=True, count=9
        )
        for task in run.tasks
    )
    return Report(
        step=step,
        results=results,
        trivial_baselines={task.name: {"majority": 20.0, "other": 25.0, "image shuffled": 70.0} for task in run.tasks},
    )


class Machine:
    """Executes runs by giving scores, and notes what it was asked."""

    def __init__(self, study):
        self.study, self.ran = study, []

    def execute(self, run, where):
        (cell,) = [
            name for name, one in self.study.cells.items() if one.tasks == run.tasks and one.system == run.system
        ]
        self.ran.append((cell, run.train.seed))
        (where / "step-000005").mkdir()
        return report(run, SCORES[cell][run.train.seed])


def test_every_cell_runs_once_with_each_seed(study, tmp_path):
    machine, lines = Machine(study), []
    done = run_study(study, tmp_path, train_run=machine.execute, log=lines.append)
    assert sorted(machine.ran) == sorted((cell, seed) for cell in SCORES for seed in (0, 1))
    assert len(done) == 6
    assert lines[0] == "study table 1: 6 runs, 0 finished"
    assert len(lines) == 7
    assert any("single/a, seed 1" in line and "a 74.0 %" in line for line in lines)


def test_a_second_call_runs_nothing(study, tmp_path):
    run_study(study, tmp_path, train_run=Machine(study).execute, log=str)
    again = Machine(study)
    done = run_study(study, tmp_path, train_run=again.execute, log=str)
    assert again.ran == []
    assert len(done) == 6
    assert all(one.report for one in done)


def test_it_goes_on_after_a_stop_in_the_middle(study, tmp_path):
    machine = Machine(study)
    plain = machine.execute

    def stopping(run, where):
        if len(machine.ran) == 3:
            raise KeyboardInterrupt
        return plain(run, where)

    machine.execute = stopping
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path, train_run=machine.execute, log=str)
    again = Machine(study)
    run_study(study, tmp_path, train_run=again.execute, log=str)
    assert len(again.ran) == 3
    assert not set(again.ran) & set(machine.ran)


def test_half_a_file_does_not_count(study, tmp_path):
    run_study(study, tmp_path, train_run=Machine(study).execute, log=str)
    path = run_folder(study, tmp_path, "joint", 0).with_suffix(".json")
    path.write_text(path.read_text()[:40])
    again = Machine(study)
    run_study(study, tmp_path, train_run=again.execute, log=str)
    assert again.ran == [("joint", 0)]


def test_a_changed_cell_is_run_again_from_nothing(study, tmp_path):
    run_study(study, tmp_path, train_run=Machine(study).execute, log=str)
    left = run_folder(study, tmp_path, "joint", 0) / "old"
    left.write_text("x")
    changed = dataclasses.replace(study, cells={**study.cells, "joint": run("a", "b", depth=2)})
    again = Machine(changed)
    run_study(changed, tmp_path, train_run=again.execute, log=str)
    assert again.ran == [("joint", 0), ("joint", 1)]
    assert not left.exists()


def test_a_cell_whose_reader_reads_otherwise_is_another(study):
    source = study.cells["joint"].sources[0]
    lines = dataclasses.replace(source, reader=Rows(style="line"))
    other = dataclasses.replace(study.cells["joint"], sources=(lines, *study.cells["joint"].sources[1:]))
    assert digest_of(other) != digest_of(study.cells["joint"]) == digest_of(run("a", "b"))


def test_a_failing_cell_is_one_line_and_the_rest_goes_on(study, tmp_path):
    machine = Machine(study)
    plain = machine.execute

    def failing(run, where):
        if run.train.seed == 1 and len(run.tasks) == 2:
            raise DataError("answers: got 9; want 10", path="a.json", row=3)
        return plain(run, where)

    machine.execute = failing
    done = run_study(study, tmp_path, train_run=machine.execute, log=str)
    (failed,) = [one for one in done if one.error]
    assert (failed.cell, failed.seed) == ("joint", 1)
    assert failed.error == "DataError: answers: got 9; want 10 (a.json, row 3)"
    assert json.loads(run_folder(study, tmp_path, "joint", 1).with_suffix(".json").read_text())["error"] == failed.error
    page = table(study, tmp_path)
    assert "1 (1 failed)" in page
    assert f"- joint, seed 1: {failed.error}" in page
    again = Machine(study)
    run_study(study, tmp_path, train_run=again.execute, log=str)
    assert again.ran == [("joint", 1)]


def test_a_run_that_stopped_early_is_not_finished(study, tmp_path):
    machine = Machine(study)
    machine.execute = lambda run, where: report(run, 1.0, step=3)
    done = run_cell(study, tmp_path, "joint", 0, train_run=machine.execute)
    write_done(study, tmp_path, done)
    assert done.error == "stopped after step 3 of 5"
    assert done.report is None
    assert finished(study, tmp_path, "joint", 0) is None


def test_the_time_of_a_stopped_run_counts_when_it_goes_on(study, tmp_path):
    def stopped(run, where):
        (where / "step-000003").mkdir(exist_ok=True)
        return report(run, 1.0, step=3)

    first = run_cell(study, tmp_path, "joint", 0, train_run=stopped)
    write_done(study, tmp_path, dataclasses.replace(first, seconds=500.0))
    assert run_cell(study, tmp_path, "joint", 0, train_run=Machine(study).execute).seconds > 500
    assert run_cell(study, tmp_path, "joint", 1, train_run=Machine(study).execute).seconds < 500


def test_weights_go_and_stay_as_the_study_says(study, tmp_path):
    for keep in (False, True):
        kept = dataclasses.replace(study, keep_models=keep)
        run_cell(kept, tmp_path / str(keep), "joint", 0, train_run=Machine(kept).execute)
        assert bool(list(run_folder(kept, tmp_path / str(keep), "joint", 0).glob("step-*"))) == keep


def test_several_at_a_time_give_the_same(study, tmp_path):
    alone = run_study(study, tmp_path / "1", train_run=Machine(study).execute, log=str)
    together = run_study(study, tmp_path / "2", train_run=Machine(study).execute, place=Here(3), log=str)
    timeless = [dataclasses.replace(one, seconds=0.0) for one in alone]
    assert timeless == [dataclasses.replace(one, seconds=0.0) for one in together]


def test_the_table_has_mean_and_spread_baselines_and_what_is_missing(study, tmp_path):
    run_study(study, tmp_path, train_run=Machine(study).execute, log=str)
    run_folder(study, tmp_path, "single/b", 1).with_suffix(".json").unlink()
    page = table(study, tmp_path)
    assert page.startswith("# table 1\n\nWhat joint training costs.\n\n|  | a (accuracy) | b (cider) | runs |")
    assert "| joint | 81.0 ± 1.4 | 81.0 ± 1.4 | 2 |" in page
    assert "| single | 72.0 ± 2.8 | 30.0 | 3 |" in page
    assert "| highest floor | 25.0 | 25.0 |" in page
    assert "Not run yet:\n\n- single/b, seed 1" in page


def test_results_come_back_as_they_were_written(study, tmp_path):
    done = FinishedCell(cell="joint", seed=1, digest="d", seconds=1.5, report=report(study.cells["joint"], 50.0))
    write_done(study, tmp_path, done)
    assert read_done(study, tmp_path, "joint", 1) == done
    assert read_done(study, tmp_path, "joint", 0) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": {}}, "got 0 cells"),
        ({"seeds": ()}, "0 seeds"),
        ({"name": "../up"}, "got the name '../up'"),
        ({"cells": {"a//b": None}}, "got the name ''"),
        ({"cells": {".hidden": None}}, "got the name '.hidden'"),
    ],
)
def test_a_study_that_cannot_be_is_refused(study, changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(study, **changes)


def started(first="single/a"):
    """single/b starts from single/a, and joint from single/b, written in the wrong order."""
    take = From(Path("to be filled in"), include=("tower.",))
    cells = {
        "joint": dataclasses.replace(run("a", "b"), start=take),
        "single/b": dataclasses.replace(run("b"), start=take),
        "single/a": run("a"),
    }
    return Study(name="starts", cells=cells, seeds=(0, 1), starts={"joint": "single/b", "single/b": first})


def test_a_cell_that_starts_from_another_waits_for_its_model(tmp_path):
    study, found = started(), {}
    machine = Machine(study)

    def execute(run, where):
        if run.start is not None:
            found[where.name] = run.start
            assert (run.start.folder / "step-000005").is_dir()
        return machine.execute(run, where)

    run_study(study, tmp_path, train_run=execute, log=str)
    assert [cell for cell, _ in machine.ran] == ["single/a", "single/b", "joint"] * 2
    assert found["joint-seed1"] == From(run_folder(study, tmp_path, "single/b", 1), include=("tower.",))
    assert found["single--b-seed0"].folder == run_folder(study, tmp_path, "single/a", 0)
    assert not list(run_folder(study, tmp_path, "joint", 0).glob("step-*")), "nothing starts from it"


def test_a_cell_is_run_again_when_what_it_starts_from_has_changed(tmp_path):
    study = started()
    run_study(study, tmp_path, train_run=Machine(study).execute, log=str)
    changed = dataclasses.replace(study, cells={**study.cells, "single/a": run("a", depth=2)})
    again = Machine(changed)
    run_study(changed, tmp_path, train_run=again.execute, log=str)
    assert len(again.ran) == 6


def test_what_a_new_cell_starts_from_is_run_again_when_its_weights_are_gone(tmp_path):
    study = started()
    before = dataclasses.replace(study, cells={"single/a": study.cells["single/a"]}, starts={})
    machine = Machine(before)
    run_study(before, tmp_path, train_run=machine.execute, log=str)
    assert not list(run_folder(before, tmp_path, "single/a", 0).glob("step-*"))
    after, said = Machine(study), []
    run_study(study, tmp_path, train_run=after.execute, log=said.append)
    assert [cell for cell, _ in after.ran] == ["single/a", "single/b", "joint"] * 2
    assert not any("failed" in line for line in said)


def test_starts_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="got 'single/c', which is no cell; did you mean"):
        started("single/c")
    with pytest.raises(ConfigError, match="starts from itself in the end; want no circle"):
        started("joint")
    with pytest.raises(ConfigError, match="'x': got a run without a start from another one; want Run"):
        Study(name="s", cells={"x": run("a"), "y": run("b")}, starts={"x": "y"})
