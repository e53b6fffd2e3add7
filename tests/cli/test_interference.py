"""`analyse interference` and `analyse affinity` through the command line, on small trained runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from motet.cli.options import origin_of, recipe_run
from motet.training.run_training import run_training

TWO = """
import dataclasses

from motet.training.run import Run
from toys import toy_run

def run() -> Run:
    \"\"\"Two tasks of numbers.\"\"\"
    made = toy_run()
    return dataclasses.replace(made, train=dataclasses.replace(made.train, steps=2, evaluate_every=0))
"""

SHARING = """
import dataclasses

from motet.data.source import Source
from motet.training.run import Run
from toys import ToyReader, label_task, toy_run

def run() -> Run:
    \"\"\"Three tasks of numbers.\"\"\"
    made = toy_run()
    third = Source(name="c", reader=ToyReader("c", 40), tasks=(label_task("task_c"),))
    plan = dataclasses.replace(made.train, steps=6, save_every=3, keep_checkpoints=2, evaluate_every=0)
    return dataclasses.replace(made, sources=(*made.sources, third), train=plan)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[tuple[Path, Path]]:
    """A run of three tasks with two saved models, and one of two of the tasks."""
    folder, path = tmp_path_factory.mktemp("runs"), list(sys.path)
    for name, text in (("three", SHARING), ("two", TWO)):
        recipe = folder / f"interference_{name}_recipe.py"
        recipe.write_text(text)
        origin = origin_of(str(recipe), None)
        run_training(
            recipe_run(str(recipe), None), folder / name, device="cpu", baselines=False, show=False, origin=origin
        )
    yield folder / "three", folder / "two"
    sys.path[:] = path
    for name in ("three", "two"):
        sys.modules.pop(f"interference_{name}_recipe", None)


SMALL = ("--batches", 3, "--batch-size", 4, "--device", "cpu", "--trust", "toys")


def test_interference_is_measured_on_saved_models_and_goes_on(motet, runs):
    ran = motet("analyse", "interference", runs[0], *SMALL)
    assert ran.code == 0, ran.err
    assert "1 checkpoint, tasks task_a, task_b, task_c: 18 forward and backward passes of 4 rows" in ran.out
    assert "three, step 6: 40 shared weights; 960 B for the gradients of 3 tasks" in ran.out
    assert "relative to the effect of its own step" in " ".join(ran.out.split())
    held = json.loads((runs[0] / "interference/interference.json").read_text())
    assert [model["step"] for model in held["models"]] == [6]
    typed = (runs[0], *SMALL, "--every-step", "--task", "task_a", "--task", "task_b", "--json")
    both = motet("analyse", "interference", *typed)
    told = json.loads(both.out)
    assert [(model["step"], model["tasks"]) for model in told["models"]] == [
        (3, ["task_a", "task_b"]),
        (6, ["task_a", "task_b"]),
    ]
    assert "2 checkpoints" in both.err
    again = motet("analyse", "interference", *typed)
    assert again.out == both.out


def test_runs_are_set_side_by_side_on_tasks_of_the_same_names(motet, runs):
    ran = motet("analyse", "interference", *runs, *SMALL)
    place = runs[0].parent / "interference"
    assert ran.code == 0, ran.err
    page = (place / "interference.html").read_text()
    assert "three, step 6 (ToySystem)" in page
    assert "two, step 2 (ToySystem)" in page
    held = json.loads((place / "interference.json").read_text())
    assert [model["tasks"] for model in held["models"]] == [["task_a", "task_b"]] * 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--task", "task_a", "--task", "task_x"],
            "--task: got 'task_x', which is no task of three; did you mean 'task_",
        ),
        (["--task", "task_a"], "got the tasks task_a; want two or more"),
        (["--step", "4"], "got no saved model of step 4; want one of 3, 6"),
        (["--block", "trnuk"], "block: got 'trnuk'; did you mean 'trunk'?"),
    ],
)
def test_interference_that_cannot_be_is_one_line(motet, runs, options, said):
    ran = motet("analyse", "interference", runs[0], *SMALL, *options)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_run_without_saved_models_and_a_task_without_rows_are_one_line(motet, runs, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = motet("analyse", "interference", tmp_path / "empty")
    assert "got no config.json and no step-...; want the folder of a saved model or of a run" in ran.err
    recipe = runs[0].parent / "interference_two_recipe.py"
    ran = motet("analyse", "interference", runs[0], *SMALL, "--recipe", recipe)
    assert ran.code == 2
    assert "task 'task_c': got no training source with it; want one" in ran.err
    twice = motet("analyse", "interference", runs[0], runs[0], *SMALL)
    assert "want each run once" in twice.err


def test_affinity_wants_a_run_of_the_adapters(motet, runs):
    ran = motet("analyse", "affinity", runs[0])
    assert ran.code == 2
    assert "got no task affinities; want a run of the ViT adapters" in ran.err


def test_a_lit_decoder_of_images_and_questions(motet, trained, tmp_path):
    _, run, _ = trained
    small = ("--batches", 2, "--batch-size", 2, "--device", "cpu", "--out", tmp_path)
    ran = motet("analyse", "interference", run, *small, "--block", "layer0", "--block", "output")
    assert ran.code == 0, ran.err
    (model,) = json.loads((tmp_path / "interference.json").read_text())["models"]
    assert model["tasks"] == ["kind", "vqa"]
    assert list(model["blocks"]) == ["layer0", "output"]
    assert (model["shallow"], model["deep"]) == ("layer0", "layer0")
    assert [row[i] for i, row in enumerate(model["blocks"]["layer0"]["ratios"])] == [1.0, 1.0]
