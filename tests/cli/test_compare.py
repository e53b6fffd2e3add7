"""`baseline`, `compare` and `study`: what they hand on, what they write, how they stop a run that takes too long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from motet.cli import compare as compare_commands
from motet.cli import subprocesses
from motet.config.recipe_files import load_from_file
from motet.core import Report, Result
from motet.experiments.study import Study, read_done, run_folder
from motet.report.budget import read_budget

STUDY = """
import dataclasses
from motet.experiments.study import Study
from grey_recipe import run

def study() -> Study:
    "Two cells of grey."
    whole = run()
    short = dataclasses.replace(whole, train=dataclasses.replace(whole.train, steps=2))
    return Study(name="greys", cells={"short": short}, seeds=(0,), minutes=30.0)
"""


def result(task: str, value: float) -> Result:
    return Result(
        task=task, source=f"{task}/test", metric="accuracy", value=value, unit="%", higher_is_better=True, count=300
    )


def write_run(folder: Path, values: dict[str, float], *, seed: int = 0, rows: int = 100, count: int = 7) -> Path:
    """A finished run as `execute` leaves it, without weights."""
    folder.mkdir(parents=True)
    data = {f"{task}/test": {"fingerprint": task, "count": count, "role": "test"} for task in values}
    said = {"tasks": list(values), "seed": seed, "data": data, "parameters": {"all": 50, "trained": 40}}
    (folder / "run.json").write_text(json.dumps(said))
    results = tuple(result(task, value) for task, value in values.items())
    report = Report(step=4, role="test", results=results, samples_seen=dict.fromkeys(values, rows))
    (folder / "report.json").write_text(json.dumps(report.to_dict()))
    line = {"step": 4, "loss": dict.fromkeys(values, 1.0), "rows": dict.fromkeys(values, rows), "seconds": 2.0}
    (folder / "log.jsonl").write_text(json.dumps(line) + "\n")
    return folder


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "multi", {"a": 80.0, "b": 60.0})
    write_run(tmp_path / "multi-single" / "a", {"a": 40.0})
    write_run(tmp_path / "multi-single" / "b", {"b": 80.0})
    write_run(tmp_path / "multi-single" / "search" / "a" / "lr-1", {"a": 99.0})
    return tmp_path


def test_compare_prints_and_writes_the_table_and_the_page(motet, runs):
    ran = motet("compare", runs / "multi", runs / "multi-single")
    assert ran.code == 0, ran.err
    assert "+100.0 %" in ran.out
    assert "-25.0 %" in ran.out
    assert "+37.5 %" in ran.out
    table = (runs / "multi/comparison.md").read_text()
    assert "| a | accuracy | 80.0 % | 40.0 % | +100.0 % |" in table
    assert "| one multi-task model | 50 | 40 | 200 |" in table
    page = (runs / "multi/report.html").read_text()
    assert "Multi-task against single-task" in page
    assert "+100.0 %" in page


def test_compare_speaks_json_and_writes_where_it_is_told(motet, runs):
    ran = motet("compare", runs / "multi", runs / "multi-single", "--json", "--out", runs / "out")
    told = json.loads(ran.out)
    assert told["delta_m"] == pytest.approx(37.5)
    assert (runs / "out/comparison.md").exists()
    assert not (runs / "multi/comparison.md").exists()


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["multi"], "got no single-task run of a, b; want one run per task (motet baseline trains them)"),
        (["multi-single/a"], "all of one task; want a multi-task run among them"),
        (["nowhere"], "got no such folder; want a run folder, as `motet train` writes it"),
    ],
)
def test_compare_refuses_what_is_no_comparison(motet, runs, folders, said):
    ran = motet("compare", *(runs / folder for folder in folders))
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_compare_refuses_other_rows(motet, runs):
    write_run(runs / "other" / "a", {"a": 1.0}, count=9)
    ran = motet("compare", runs / "multi", runs / "multi-single", runs / "other")
    assert ran.code == 2
    assert "want the rows of" in ran.err


def test_baseline_trains_single_runs_of_a_recipe_and_shows_their_budget(motet, recipe, tmp_path, monkeypatch):
    trained = []

    def train(single_run, folder, *, origin, resume, device, page):
        (task,) = single_run.tasks
        trained.append((task.name, single_run.train.lr, page, single_run.train.steps))
        role = "test" if page else "val"
        report = Report(step=single_run.train.steps, role=role, results=(result(task.name, 50.0),))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report.to_dict()))
        return report

    monkeypatch.setattr(compare_commands, "train_run", train)
    ran = motet("baseline", recipe, "--folder", tmp_path / "single", "--lr", "0.1", "--lr", "0.2", "--match", "steps")
    assert ran.code == 0, ran.err
    assert [one[:3] for one in trained] == [
        (task, lr, page) for task in ("kind", "vqa") for lr, page in ((0.1, False), (0.2, False), (0.1, True))
    ]
    assert {steps for *_, steps in trained} == {4}
    assert "baseline, equal steps" in ran.out
    assert "16 samples in 4 steps" in ran.out
    assert "kind alone, learning rate 0.1: accuracy 50.0 % on val" in ran.out
    assert "motet compare runs/grey_recipe" in ran.out


def test_baselines_until_they_stop_rising_lie_in_a_folder_of_their_own_and_cost_at_most(
    motet, recipe, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    trained = []

    def train(single_run, folder, *, origin, resume, device, page):
        (task,) = single_run.tasks
        trained.append((folder.name, single_run.train.steps, page))
        report = Report(step=single_run.train.steps, role="test" if page else "val", results=(result(task.name, 50.0),))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report.to_dict()))
        return report

    monkeypatch.setattr(compare_commands, "train_run", train)
    ran = motet("baseline", recipe, "--task", "kind", "--search", "none", "--match", "plateau")
    assert ran.code == 0, ran.err
    # A score that never rises: the shortest length and two more that are not better, then the baseline itself.
    assert trained == [("length", 3, False), ("length", 4, False), ("length", 6, False), ("kind", 3, True)]
    assert read_budget(tmp_path / "runs" / "grey_recipe-single-plateau" / "kind").kind == "plateau"
    assert "at most 64 samples in 16 steps" in ran.out
    assert "search of the length by val rows alone: 2 single-task runs, at most 32 steps of 128 samples" in ran.out


def test_baseline_of_an_unknown_task_is_one_line(motet, recipe):
    ran = motet("baseline", recipe, "--task", "knid")
    assert ran.code == 2
    assert "did you mean 'kind'?" in ran.err


@pytest.mark.slow
def test_a_study_runs_its_cells_in_processes_of_their_own(motet, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "grey_study_recipe.py").write_text(STUDY)
    typed = ("study", tmp_path / "grey_study_recipe.py", "--folder", tmp_path / "s", "--table", tmp_path / "t.md")
    ran = motet(*typed)
    assert ran.code == 0, ran.err
    assert "short, seed 0, " in ran.out
    page = (tmp_path / "t.md").read_text()
    assert "| short |" in page
    assert "failed" not in page.lower()
    again = motet(*typed)
    assert "study greys: 1 runs, 1 finished" in again.out
    assert "seed 0" not in again.out


def test_a_table_can_be_written_without_running(motet, recipe, tmp_path):
    (tmp_path / "grey_study_recipe.py").write_text(STUDY)
    typed = ("study", tmp_path / "grey_study_recipe.py", "--folder", tmp_path / "s", "--no-run")
    ran = motet(*typed, "--table", tmp_path / "t.md")
    assert ran.code == 0, ran.err
    assert "Not run yet:\n\n- short, seed 0" in (tmp_path / "t.md").read_text()


def test_a_run_that_dies_is_a_failed_cell_with_its_last_line(motet, recipe, tmp_path, monkeypatch):
    path = tmp_path / "grey_study_recipe.py"
    path.write_text(STUDY)
    monkeypatch.setattr(subprocesses.sys, "executable", "/bin/false")
    ran = motet("study", path, "--folder", tmp_path / "s")
    assert "short, seed 0, 0 s: failed: the process wrote no message" in ran.out
    grid = load_from_file(path, "", Study, what="study")
    assert read_done(grid, tmp_path / "s", "short", 0).error == "the process wrote no message"
    assert run_folder(grid, tmp_path / "s", "short", 0).with_suffix(".log").read_text() == ""


def test_compare_refuses_a_folder_without_runs(motet, tmp_path):
    assert "got no run.json here or one folder below" in motet("compare", tmp_path).err


def test_baseline_of_a_run_searches_both_sides_and_pairs_their_images(motet, recipe, tmp_path):
    assert motet("train", recipe, "--folder", tmp_path / "run").code == 0
    ran = motet("baseline", tmp_path / "run", "--recipe", recipe)
    assert ran.code == 0, ran.err
    assert "by val rows alone: 6 single-task runs and 2 more multi-task runs" in ran.out
    assert ran.out.count("on val against the run's") == 2
    assert ran.out.index("single-task runs and") < ran.out.index("kind alone, learning rate")
    found = json.loads(motet("compare", tmp_path / "run", tmp_path / "run-single", "--json").out)
    assert {pair["difference"]["over"] for pair in found["pairs"]} == {"images"}
    assert found["fewest_seeds"] == 1


def test_compare_takes_the_run_that_the_search_chose(motet, runs):
    chosen = runs / "multi-single" / "search" / "multi-task" / "lr-0.3"
    write_run(chosen, {"a": 90.0, "b": 90.0})
    note = runs / "multi-single" / "search" / "multi-task.json"
    note.write_text(json.dumps({"run": "multi", "own": 0.1, "best": 0.3}))
    ran = motet("compare", runs / "multi", runs / "multi-single")
    assert ran.code == 0, ran.err
    assert "its run at learning rate 0.3 is compared, the best on val" in ran.out
    assert "90.0 %" in (runs / "multi" / "comparison.md").read_text()
    assert "multi, lr-0.3" in (runs / "multi" / "comparison.html").read_text()
    note.write_text(json.dumps({"run": "multi", "own": 0.1, "best": 0.1}))
    assert "80.0 %" in motet("compare", runs / "multi", runs / "multi-single").out
    note.write_text('{"run": "another", "own": 0.1, "best": 0.3}')
    assert "80.0 %" in motet("compare", runs / "multi", runs / "multi-single").out


@pytest.mark.slow
def test_two_processes_over_one_folder_give_what_one_gives(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = tmp_path / "grey_study_recipe.py"
    path.write_text(STUDY.replace("seeds=(0,)", "seeds=(0, 1)"))

    def start(folder, *options):
        words = [
            sys.executable,
            "-m",
            "motet.cli",
            "study",
            path,
            "--folder",
            folder,
            "--table",
            folder / "t.md",
            *options,
        ]
        return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    (tmp_path / "two").mkdir()
    both = [start(tmp_path / "two", "--part", f"{number}/2") for number in (1, 2)]
    said = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    (tmp_path / "one").mkdir()
    alone = start(tmp_path / "one", "--on", "local:1")
    lines = alone.communicate(timeout=300)[0]
    assert alone.returncode == 0, lines
    grid = load_from_file(path, "", Study, what="study")
    for seed in (0, 1):
        found = [read_done(grid, tmp_path / folder, "short", seed) for folder in ("one", "two")]
        assert found[0].report is not None
        assert found[0].report == found[1].report
        assert sum(f"short, seed {seed}, " in one and "failed" not in one for one in said) == 1
