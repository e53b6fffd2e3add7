"""`analyse groups` and `analyse consistency`: small trainings through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from motet.cli import subprocesses

TOYS = '''
from motet.training.run import Run
from toys import toy_run

def run() -> Run:
    """Two tasks of numbers."""
    return toy_run()
'''

KNOWING = '''
"""A model that says "red" to every question and points at the upper left, whatever it is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from motet.core import Answer, Batch, BoxSet, Example, Loss, Losses, Region, System, Target, Task, TextPrediction
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.metrics import AnswerMatch, RegionAccuracy
from motet.training.config import TrainConfig
from motet.training.run import Run

INPUTS = frozenset({"image", "text"})
COLOUR = Task(name="colour", inputs=INPUTS, label="answers", target=Answer(), metrics=(AnswerMatch,))
PLACE = Task(name="place", inputs=INPUTS, label="box", target=Region(), metrics=(RegionAccuracy,))


@dataclass(frozen=True)
class Dogs:
    """Four pictures; the first two dogs are red, the even ones stand in the upper left."""

    text: str

    def __len__(self):
        return 4

    def keys(self, index):
        return (f"dogs/{index}",)

    def __getitem__(self, index):
        corner = 0 if index % 2 == 0 else 50
        labels = {"answers": ("red" if index < 2 else "blue",), "box": (corner, corner, corner + 10, corner + 10)}
        return Example(id=f"{self.text}/{index}", image_ids=self.keys(index), text=self.text, labels=labels)


class Rows:
    def row(self, example, tasks, rng):
        return example.id, {task.name: task.annotation_of(example) for task in tasks}

    def collate(self, rows, *, keep_annotations):
        targets = {}
        for name in {name: None for _, truths in rows for name in truths}:
            places = [place for place, (_, truths) in enumerate(rows) if name in truths]
            truth = tuple(rows[place][1][name] for place in places)
            targets[name] = Target(torch.tensor(places), torch.zeros(len(places)), truth if keep_annotations else ())
        return Batch(tuple(row_id for row_id, _ in rows), {"x": torch.zeros(len(rows), 1)}, targets)


@dataclass(frozen=True)
class SameConfig:
    width: int = 1

    def build(self, tasks, *, texts, assets=None):
        return Same(self, tasks)


class Same(System):
    mixes = True

    def __init__(self, config, tasks):
        super().__init__()
        self.config, self.processor = config, Rows()
        self.tasks = {task.name: task for task in tasks}
        self.w = nn.Parameter(torch.ones(1))

    def losses(self, batch):
        found = {}
        for name, target in batch.targets.items():
            rows = torch.tensor(float(len(target.rows)))
            found[name] = Loss((self.w**2).sum() * rows, rows)
        return Losses(found)

    def predict(self, batch):
        box = BoxSet(np.array([[0.0, 0.0, 10.0, 8.0]]), np.zeros(1, dtype=np.int64), np.ones(1))
        said = {"colour": TextPrediction("red"), "place": box}
        return {name: [said[name]] * len(target.rows) for name, target in batch.targets.items()}

    def shared_blocks(self):
        return {"all": list(self.parameters())}


def run() -> Run:
    """Two tasks on the same four pictures."""
    readers = {COLOUR: Dogs("what colour is the dog?"), PLACE: Dogs("the dog")}
    sources = tuple(
        Source(name=f"{task.name}/{role}", reader=reader, tasks=(task,), role=role)
        for role in ("train", "test")
        for task, reader in readers.items()
    )
    return Run(system=SameConfig(), sources=sources, schedule=Mixed(batch_size=4), train=TrainConfig(steps=2))
'''


@pytest.fixture
def toy_recipe(tmp_path, forget) -> Path:
    path = tmp_path / "toy_groups_recipe.py"
    path.write_text(TOYS)
    return path


@pytest.fixture
def here(motet, monkeypatch):
    """Runs the cells in this process, by the command line that a process of their own would get."""
    typed_lines = []

    def run_words(words, log, **rest):
        typed_lines.append(words)
        ran = motet(*words)
        return "" if ran.code == 0 else ran.err

    monkeypatch.setattr(subprocesses, "run_words", run_words)
    return typed_lines


def only(words):
    """The cell that a command line runs."""
    (found,) = [word.removeprefix("--only=") for word in words if word.startswith("--only=")]
    return found


def test_groups_are_trained_alone_and_together_and_shown(motet, toy_recipe, here, tmp_path):
    typed = ("analyse", "groups", toy_recipe, "--folder", tmp_path / "g", "--seeds", 2, "--device", "cpu")
    ran = motet(*typed, "--set", "train.steps=6")
    assert ran.code == 0, ran.err
    cells = ("task_a", "task_a+task_b", "task_b")
    assert sorted(map(only, here)) == sorted(f"{cell}, seed {seed}" for cell in cells for seed in (0, 1))
    assert "study cells: 6 runs, 0 finished" in ran.out
    assert "trained with one other group" in ran.out
    assert "task_a and task_b: " in ran.out
    assert (tmp_path / "g/groups.md").read_text().startswith("# Groups of tasks that help each other")
    with Image.open(tmp_path / "g/groups.png") as image:
        assert min(image.size) > 200
    joint = json.loads((tmp_path / "g/cells/task_a+task_b-seed1.json").read_text())["report"]
    alone = json.loads((tmp_path / "g/cells/task_b-seed1.json").read_text())["report"]
    assert joint["role"] == alone["role"] == "val"
    assert joint["samples_seen"]["b"] == alone["samples_seen"]["b"] > 0
    assert sum(joint["samples_seen"].values()) == 6 * 16

    again = motet(*typed, "--set", "train.steps=6", "--json")
    assert len(here) == 6, "nothing is run twice"
    assert "6 finished" in again.err
    told = json.loads(again.out)
    by_seed = told["changes"][0]["by_seed"]
    value = {name: report["results"][-1]["value"] for name, report in (("joint", joint), ("alone", alone))}
    (change,) = [one for one in told["changes"] if one["group"] == "task_b"]
    assert change["by_seed"]["1"] == pytest.approx(100 * (value["joint"] / value["alone"] - 1))
    assert set(by_seed) == {"0", "1"}
    assert told["failed"] == []
    assert told["groups"] == {"task_a": ["task_a"], "task_b": ["task_b"]}


def test_a_run_that_fails_is_told_and_leaves_code_1(motet, toy_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocesses.sys, "executable", "/bin/false")
    named = ("--group", "one=task_a", "--group", "two=task_b")
    ran = motet("analyse", "groups", toy_recipe, "--folder", tmp_path / "g", "--seeds", 1, *named)
    assert ran.code == 1
    assert "failed: one+two, seed 0: the process wrote no message" in ran.out
    assert "there is no number to go by" in ran.out
    assert not (tmp_path / "g/groups.png").exists()


def test_groups_from_one_run_are_compared_with_the_grid(motet, toy_recipe, here, tmp_path):
    typed = ("analyse", "groups", toy_recipe, "--folder", tmp_path / "g", "--seeds", 1, "--device", "cpu")
    assert motet(*typed, "--set", "train.steps=6").code == 0
    trained = motet("train", toy_recipe, "--folder", tmp_path / "run", "--device", "cpu", "--set", "train.steps=6")
    assert (tmp_path / "run/report.json").exists(), trained.err
    from_run = ("analyse", "groups", "--from-run", tmp_path / "run", "--trust", "toys", "--every", 2, "--device", "cpu")
    ran = motet(*from_run, "--grid", tmp_path / "g")
    assert ran.code == 0, ran.err
    assert "at most 1 models: task_a + task_b" in ran.out
    # Three measurements of eight passes, each of which is a third of a step.
    assert "this run, measured: 14 training steps" in ran.out
    assert "change in the grid, 2 pairs: too few pairs" in ran.out
    told = json.loads(motet(*from_run, "--grid", tmp_path / "g", "--models", 2, "--json").out)
    assert told["measured"] == 3
    assert told["steps"]["the grid of pairs, 1 seed"] == sum(
        json.loads((tmp_path / f"g/cells/{cell}-seed0.json").read_text())["report"]["step"]
        for cell in ("task_a", "task_b", "task_a+task_b")
    )
    assert [pair["with"] for pair in told["grid"]["pairs"]] == ["task_a", "task_b"]
    saved = json.loads((tmp_path / "run-affinity/task_affinity.json").read_text())
    assert saved["affinity"] == told["affinity"]
    assert saved["affinity"][0][0] > 0
    with Image.open(tmp_path / "run-affinity/task_affinity.png") as image:
        assert min(image.size) > 100


def test_groups_want_a_recipe_or_a_run(motet, toy_recipe):
    assert "analyse groups: got neither; want a recipe to train in groups" in motet("analyse", "groups").err
    assert "analyse groups: got both" in motet("analyse", "groups", toy_recipe, "--from-run", "runs/x").err
    assert "--from-run: got an option of the grid" in motet("analyse", "groups", "--from-run", "x", "--triples").err
    assert "want --from-run RUN with them" in motet("analyse", "groups", toy_recipe, "--models", 2).err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--group", "one"], "--group: got 'one'; want NAME=TASK,TASK"),
        (["--group", "one=task_a", "--group", "one=task_b"], "--group: got 'one' twice"),
        (["--group", "one=task_a", "--group", "two=task_x"], "got 'task_x', which is no task of the run"),
        (["--representative", "task_a=task_b"], "got no task of the group"),
        (["--group", "one=task_a,task_b"], "got 1 (one); want two or more"),
    ],
)
def test_groups_that_cannot_be_are_one_line(motet, toy_recipe, options, said):
    ran = motet("analyse", "groups", toy_recipe, *options)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.slow
def test_every_run_has_a_process_of_its_own(motet, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ran = motet("analyse", "groups", recipe, "--folder", tmp_path / "g", "--seeds", 1, "--on", "local:2")
    assert ran.code == 0, ran.out
    assert "nothing is suggested" in ran.out  # one seed, and scores of 0 that nothing can be a share of
    assert (tmp_path / "g/cells/classification+qa-seed0.log").exists()


@pytest.fixture
def knowing(motet, tmp_path, forget):
    path = tmp_path / "knowing_recipe.py"
    path.write_text(KNOWING)
    ran = motet("train", path, "--folder", tmp_path / "run", "--device", "cpu")
    assert (tmp_path / "run/report.json").exists(), ran.err
    return tmp_path / "run", "--trust", path


def test_consistency_is_the_share_of_pairs_that_are_right_on_both_sides(motet, knowing):
    ran = motet("analyse", "consistency", *knowing)
    assert ran.code == 0, ran.err
    # Two dogs are red, two stand where it points, one is both.
    assert "grounding consistency: 25.0 %" in ran.out
    assert "1 of 4 pairs" in ran.out
    told = json.loads(motet("analyse", "consistency", *knowing, "--found", "0.9", "--json").out)
    assert (told["value"], told["pairs"], told["weight"]) == (0.0, 4, 4.0)
    assert (told["questions"], told["phrases"], told["role"]) == (["colour"], ["place"], "test")


def test_consistency_wants_a_question_task_and_a_referring_task(motet, knowing):
    wrong = motet("analyse", "consistency", *knowing, "--phrases", "colour")
    assert wrong.code == 2
    assert "--phrases: got 'colour', a task of Answer; want a task that locates phrases" in wrong.err
    unknown = motet("analyse", "consistency", *knowing, "--questions", "color")
    assert "--questions: got 'color', which is no task of the model; did you mean 'colour'?" in unknown.err
    val = motet("analyse", "consistency", *knowing, "--role", "val")
    assert "consistency: got no pair among 0 questions and 0 phrases" in val.err
