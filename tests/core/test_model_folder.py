"""Saved model folders: whole round trips, and one line for everything that can be wrong with one."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from motet.core import CheckpointError, Label, MeanMetric, System, Task
from motet.core import model_folder as s
from motet.core.saved_names import SavedNames

NAMES = SavedNames.of((Task,), trust=(__name__,))


class Right(MeanMetric):
    name = "right"

    def row(self, prediction, annotation, target):
        return float(prediction.index == annotation)


@dataclass(frozen=True)
class ToyConfig:
    width: int = 3

    def build(self, tasks, *, texts, assets=None):
        return Toy(self, tasks, assets or {"words.json": b"[1]"})


class Toy(System):
    def __init__(self, config, tasks, assets):
        super().__init__()
        self.config, self.tasks, self.files = config, {task.name: task for task in tasks}, assets
        self.heads = nn.ModuleDict({name: nn.Linear(config.width, 2) for name in self.tasks})
        self.tied = self.heads[tasks[0].name].weight

    def assets(self):
        return self.files

    def losses(self, batch):
        raise NotImplementedError

    def predict(self, batch):
        raise NotImplementedError

    def shared_blocks(self):
        return {}


def task(name):
    return Task(
        name=name, inputs=frozenset({"image"}), label="class", target=Label(("a", "b")), metrics=(Right,), prompt=name
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    s.write_model(tmp_path / "model", ToyConfig().build([task("one"), task("two")], texts=tuple))
    return tmp_path / "model"


def test_a_saved_model_comes_back(folder):
    saved = s.read_model(folder, NAMES)
    assert saved.config == ToyConfig()
    assert saved.tasks == (task("one"), task("two"))
    assert saved.assets == {"words.json": b"[1]"}
    system = saved.config.build(saved.tasks, texts=tuple, assets=saved.assets)
    assert s.fill(system, s.read_weights(folder), strict=True, where=str(folder)).missing == ()
    for name, value in s.read_weights(folder).items():
        assert torch.equal(system.state_dict()[name], value)


def test_tied_weights_are_saved_under_both_names(folder):
    weights = s.read_weights(folder)
    assert torch.equal(weights["tied"], weights["heads.one.weight"])


def test_a_run_folder_means_its_last_whole_step(folder, tmp_path):
    run = tmp_path / "run"
    for step in (20, 100):
        s.write_model(s.step_folder(run, step), ToyConfig(width=step).build([task("one")], texts=tuple))
    (run / "step-000300.tmp").mkdir()
    assert s.steps_in(run) == (20, 100)
    assert s.read_model(run, NAMES).config == ToyConfig(width=100)


def test_a_class_of_another_package_needs_trust(folder):
    with pytest.raises(CheckpointError, match="trust"):
        s.read_model(folder, SavedNames.of((Task,)))


@pytest.mark.parametrize("name", [s.CONFIG, s.TASKS, s.WEIGHTS, f"{s.ASSETS}/words.json"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_missing_or_damaged_file_is_one_line(folder, name, damage):
    path = folder / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError) as error:
        (s.read_weights(folder) if name == s.WEIGHTS else s.read_model(folder, NAMES))
    assert "\n" not in str(error.value)
    assert "want" in str(error.value)


def test_no_folder_and_an_empty_folder_are_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="got no such folder; want the folder of a saved model or of a run"):
        s.model_folder(tmp_path / "no")
    with pytest.raises(CheckpointError, match="want the folder of a saved model or of a run"):
        s.model_folder(tmp_path)


def test_a_newer_format_is_refused(folder):
    config = json.loads((folder / s.CONFIG).read_text())
    (folder / s.CONFIG).write_text(json.dumps(config | {"format": 99}))
    with pytest.raises(CheckpointError, match="format: got 99"):
        s.read_model(folder, NAMES)


def test_an_asset_may_not_lie_outside_the_folder(folder):
    config = json.loads((folder / s.CONFIG).read_text())
    (folder / s.CONFIG).write_text(json.dumps(config | {"assets": {"../../secret": "0"}}))
    with pytest.raises(CheckpointError, match="want a name inside"):
        s.read_model(folder, NAMES)


def test_other_tasks_keep_old_heads_and_name_the_rest(folder):
    system = ToyConfig().build([task("two"), task("three")], texts=tuple)
    weights = {name: value for name, value in s.read_weights(folder).items() if name != "tied"}
    before = system.heads["three"].weight.clone()
    matched = s.fill(system, weights, strict=False, where="x")
    assert torch.equal(system.heads["two"].weight, weights["heads.two.weight"])
    assert torch.equal(system.heads["three"].weight, before)
    assert matched.unused == ("heads.one.bias", "heads.one.weight")
    assert "heads.three.weight" in matched.missing
    assert any("heads.one.bias" in line for line in matched.lines())


def test_a_shape_that_differs_is_refused(folder):
    system = ToyConfig(width=5).build([task("one"), task("two")], texts=tuple)
    with pytest.raises(CheckpointError, match=r"got shape \(2, 3\); want \(2, 5\)"):
        s.fill(system, s.read_weights(folder), strict=False, where="x")


def test_strict_names_what_does_not_fit(folder):
    system = ToyConfig().build([task("one")], texts=tuple)
    with pytest.raises(CheckpointError, match=r"not in this system: heads\.two"):
        s.fill(system, s.read_weights(folder), strict=True, where="x")


def test_of_many_unmatched_names_the_first_are_listed() -> None:
    found = s.WeightMatch(matched=("a",), missing=tuple(f"n{place}" for place in range(20)), unused=("b", "c"))
    assert found.lines() == (
        "20 missing in the saved weights: n0, n1, n2, n3, n4, n5, n6, n7 and 12 more",
        "2 unused, not in this system: b, c",
    )


@pytest.mark.parametrize(
    ("field", "name", "message"),
    [
        ("metrics", f"{__name__}:task", None),  # a function of the user's may make a metric
        ("metrics", f"{__name__}:Toy", "metrics: got .*; want a class of metrics"),
        ("loss", f"{__name__}:Toy", "loss: got .*; want a function"),
    ],
)
def test_what_a_task_calls_is_checked_before_it_is_called(folder, field, name, message):
    tasks = json.loads((folder / s.TASKS).read_text())
    tasks[0][field] = [{"reference": name}] if field == "metrics" else {"reference": name}
    (folder / s.TASKS).write_text(json.dumps(tasks))
    if message is None:
        assert s.read_model(folder, NAMES).tasks[0].metrics == (task,)
        return
    with pytest.raises(CheckpointError, match=message):
        s.read_model(folder, NAMES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"assets": 5}, "assets: got int; want names and their digests"),
        ({"assets": ["words.json"]}, "assets: got list; want"),
        ({"assets": {"words.json": 5}}, "assets: got dict; want"),
        ({"assets": {"": "0"}}, "want the file saved with the model"),
        ({"assets": {"a\0b": "0"}}, "want a name inside this folder"),
        ({"assets": {"x" * 5000: "0"}}, "asset|File name too long"),
        ({"assets": {"/etc/passwd": "0"}}, "want a name inside this folder"),
        ({"assets": {"../words.json": "0"}}, "want a name inside this folder"),
        ({"system": [1]}, "system: got tuple; want a system's configuration"),
        ({"system": {"class": 5}}, "system: got dict; want"),
        ({"system": None}, "system: got NoneType"),
        ({"format": []}, "format: got"),
    ],
)
def test_a_configuration_of_other_types_is_one_line(folder, change, message):
    config = json.loads((folder / s.CONFIG).read_text())
    (folder / s.CONFIG).write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=message) as caught:
        s.read_model(folder, NAMES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["[" * 10**6, "1" * 5000, '{"format": 1, "system": ' + "[" * 500 + "]" * 500 + "}"])
@pytest.mark.parametrize("name", [s.CONFIG, s.TASKS])
def test_json_without_end_is_one_line(folder, content, name):
    (folder / name).write_text(content)
    with pytest.raises(CheckpointError) as caught:
        s.read_model(folder, NAMES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tasks", [[5], [{"class": "motet.core.target:Text", "max_words": 3}], [[]], [{}]])
def test_what_is_no_task_is_one_line(folder, tasks):
    (folder / s.TASKS).write_text(json.dumps(tasks))
    with pytest.raises(CheckpointError, match="want a list of tasks"):
        s.read_model(folder, NAMES)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder):
    for name in (s.WEIGHTS, s.CONFIG):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(CheckpointError, match="a pipe, socket or device"):
            s.read_weights(folder) if name == s.WEIGHTS else s.read_model(folder, NAMES)


def weights_file(tensors: dict, data: bytes = bytes(64)) -> bytes:
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + data


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**62) + b"{}",
        weights_file({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}),
        weights_file({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 64]}}),
        weights_file({"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 64]}}),
        weights_file({"a": {"dtype": "F32", "shape": [2**63, 2], "data_offsets": [0, 64]}}),
        weights_file({"a": {"dtype": "X", "shape": [16], "data_offsets": [0, 64]}}),
        weights_file({"a": {"dtype": "F32", "shape": [16], "data_offsets": [64, 0]}}),
        b"",
    ],
)
def test_weights_that_declare_too_much_are_one_line(folder, content):
    (folder / s.WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match="got a damaged file") as caught:
        s.read_weights(folder)
    assert "\n" not in str(caught.value)
