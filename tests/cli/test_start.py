"""`init` on a folder of one's own, and what the recipe it wrote can do; `demo` with its body exchanged."""

from __future__ import annotations

import csv
import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import rich.console
from PIL import Image

from motet.cli import demo as demo_recipe
from motet.core import ConfigError
from motet.training import time_budget

pytestmark = pytest.mark.usefixtures("forget")  # every recipe of `motet init` has the same name

SMALL = ["--set", "train.steps=3", "--set", "schedule.batch_size=6", "--set", "train.evaluate_every=0"]
SMALL += ["--set", "system.encoder=BundledLite0(size=32)", "--set", "system.width=32", "--set", "system.depth=1"]


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Images in class folders, a COCO captions file and a CSV of questions, as a user has them."""
    root = tmp_path / "data"
    for kind, value in (("dark", 10), ("light", 190)):
        (root / "kinds" / kind).mkdir(parents=True)
        for index in range(10):
            Image.new("RGB", (12, 10), (value + index, value, value)).save(root / "kinds" / kind / f"{index}.jpg")
    (root / "pictures").mkdir()
    images, captions, questions = [], [], []
    for index in range(20):
        colour = "red" if index % 2 else "blue"
        Image.new("RGB", (12, 10), colour).save(root / "pictures" / f"{index}.jpg")
        images.append({"id": index, "file_name": f"{index}.jpg"})
        captions.append({"id": index, "image_id": index, "caption": f"a {colour} field"})
        questions.append((f"pictures/{index}.jpg", "which colour is it ?", colour))
    (root / "captions.json").write_text(json.dumps({"images": images, "annotations": captions}))
    with (root / "questions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "question", "answer"), *questions])
    monkeypatch.chdir(tmp_path)
    return root


@pytest.mark.slow
def test_a_folder_of_ones_own_becomes_a_model_that_answers(motet, data, forget):
    ran = motet("init", data)
    assert ran.code == 0
    assert "kind: 20 rows: 2 class folders of images (dark, light)" in ran.out
    recipe = data / "motet_recipe.py"
    assert f"motet train {recipe}:run" in ran.out
    trained = motet("train", f"{recipe}:run", "--folder", "runs/mine", *SMALL, "--json")
    assert trained.code == 0, trained.err
    told = json.loads(trained.out)
    assert {result["task"] for result in told["results"]} == {"caption", "vqa", "kind"}
    assert told["role"] == "test"
    image = data / "pictures/0.jpg"
    for task, text in (("caption", []), ("kind", []), ("vqa", ["--text", "which colour is it ?"])):
        asked = motet("predict", "runs/mine", "--task", task, "--image", image, *text)
        assert asked.code == 0, asked.err


def test_a_recipe_that_is_there_is_not_written_over(motet, data):
    (data / "motet_recipe.py").write_text("mine = 1\n")
    ran = motet("init", data)
    assert ran.code == 2
    assert "--force to replace it" in ran.err
    assert (data / "motet_recipe.py").read_text() == "mine = 1\n"
    assert motet("init", data, "--force").code == 0
    assert motet("init", data, "--out", "else.py").code == 0


def test_a_folder_that_says_nothing_is_one_line(motet, tmp_path):
    ran = motet("init", tmp_path)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "want data in a known layout" in ran.err


def test_the_recipe_has_the_steps_that_fit_on_this_machine(motet, data, monkeypatch):
    monkeypatch.setattr(
        time_budget,
        "measure",
        lambda run, within, device: time_budget.RunTime(0.5, store_seconds=10.0, fixed_seconds=35.0),
    )
    ran = motet("init", data, "--minutes", "1")
    assert "run: 50 steps, about 1 min on this machine (10 s to store features, 25 s to train, 25 s to" in ran.out
    assert "steps=50," in (data / "motet_recipe.py").read_text()
    assert "save_every=12," in (data / "motet_recipe.py").read_text()
    ran = motet("init", data, "--out", data / "long.py", "--minutes", "60")  # no more than the rows are worth
    assert "steps=200," in (data / "long.py").read_text()
    assert "run: 200 steps, about 2 min" in ran.out


def test_a_run_far_below_the_time_keeps_its_steps_and_says_so(motet, data, monkeypatch):
    asked = []

    def measure(run, within, device):
        asked.append(within)
        return time_budget.RunTime(0.5, 0.0, 10.0, at_most=True)

    monkeypatch.setattr(time_budget, "measure", measure)
    ran = motet("init", data, "--minutes", "5")
    assert "run: 200 steps, less than 2 min on this machine\n" in ran.out
    assert asked == [300]
    assert "steps=200," in (data / "motet_recipe.py").read_text()


def test_a_terminal_says_that_the_run_is_measured(motet, data, monkeypatch):
    said = []
    monkeypatch.setattr(time_budget, "measure", lambda run, within, device: time_budget.RunTime(0.5, 0.0, 10.0))
    monkeypatch.setattr(rich.console.Console, "status", lambda self, text: said.append(text) or nullcontext())
    assert motet("init", data).code == 0
    assert said == ["run: measuring its time on this machine, some 10 to 40 s"]


def test_a_run_that_cannot_be_measured_is_written_all_the_same(motet, data, monkeypatch):
    def refuse(run, within, device):
        raise ConfigError("no weights here")

    monkeypatch.setattr(time_budget, "measure", refuse)
    ran = motet("init", data)
    assert (ran.code, "run: its time was not measured: no weights here" in ran.out) == (0, True)
    assert "steps=200," in (data / "motet_recipe.py").read_text()


def test_what_to_run_next_is_data_check_first_and_fit_for_a_shell(motet, data):
    out = data / "it's mine.d"
    ran = motet("init", data, "--out", out / "r.py", "--minutes", "0")
    recipe = f"{out}/r.py:run".replace("'", "'\"'\"'")
    assert ran.out.splitlines()[-4:] == [
        "next:",
        *(f"  motet {command} '{recipe}'" for command in ("data check", "plan", "train")),
    ]


def test_a_folder_without_data_lists_file_by_file_what_was_looked_at(motet, tmp_path):
    for index in range(3):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{index}.jpg")
    (tmp_path / "labels.csv").write_text("file;score\n0.jpg;0,5\n")
    (tmp_path / "project.json").write_text(json.dumps({"_via_settings": {}}))
    expected = [
        f"{tmp_path}/labels.csv: table: got images in column 'file', and no column that is known for annotations "
        "('score'); want a column called label, caption, or question and answer",
        f"{tmp_path}/project.json: VGG Image Annotator: got annotations in its own format (keys '_via_settings'); want "
        "an export as COCO, YOLO or Pascal VOC",
        f"{tmp_path}: got 3 images without annotations; want annotations that name them, or class folders",
    ]
    for command in (("init",), ("data", "check"), ("data", "stats"), ("data", "look")):
        ran = motet(*command, tmp_path)
        assert (ran.code, ran.out) == (2, "")
        *lines, last = ran.err.splitlines()
        assert lines == expected
        assert last.startswith("motet: folder: got nothing to train on (3 images, 1 .csv, 1 .json in 1 folder; ")
    assert not (tmp_path / "motet_recipe.py").exists()


def test_the_level_of_the_class_folders_can_be_said(motet, tmp_path, forget):
    for place in ("animals/cat", "animals/dog", "plants/oak", "plants/rose"):
        (tmp_path / place).mkdir(parents=True)
        for index in range(5):
            Image.new("RGB", (4, 4)).save(tmp_path / place / f"{index}.jpg")
    ran = motet("init", tmp_path)
    assert "note: " in ran.out
    assert "`motet init --class-level 1` if animals, plants are the classes of one task" in ran.out
    recipe = tmp_path / "levels_recipe.py"
    ran = motet("init", tmp_path, "--out", recipe, "--class-level", "2")
    assert "kind: 20 rows: 4 class folders of images (animals/cat, animals/dog, plants/oak, ...)" in ran.out
    assert "level=2" in recipe.read_text()
    assert motet("data", "check", recipe).out == "20 rows read, 0 with a problem\n"
    assert motet("init", tmp_path, "--class-level", "0").code == 2


@pytest.mark.parametrize(("flags", "quick"), [([], False), (["--quick"], True)])
def test_demo_is_called_with_its_folder(motet, tmp_path, monkeypatch, flags, quick):
    called = []
    monkeypatch.setattr(demo_recipe, "demo", lambda folder, quick, console: called.append((folder, quick)))
    assert motet("demo", "--folder", tmp_path, *flags).code == 0
    assert called == [(tmp_path, quick)]
