"""A short part of the kills, the same at every run; `make kills` is the long one."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from kill_compare import broken, differences
from kill_disks import full_disk, small_disk
from kill_files import Writer, killed_writer, undisturbed
from kill_launch import Forked
from kill_meetings import two_fillings, two_runs
from kill_trials import Trial, killed_chain, reference
from safetensors.torch import load_file, save_file

WAY = Forked()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("kills")
    yield reference(Trial("toy", "plain", place), place, WAY)
    shutil.rmtree(place)


def trial(place: Path) -> Trial:
    return Trial("toy", "plain", place / "trial")


def test_a_run_that_is_killed_and_resumed_ends_like_an_undisturbed_one(whole: Path, tmp_path: Path) -> None:
    kills = list(killed_chain(trial(tmp_path), whole, lambda: WAY, random.Random(0), 3))
    assert kills
    assert [(kill.phase, kill.found) for kill in kills if kill.found] == []


def test_of_two_runs_in_one_folder_one_is_refused_in_one_line(whole: Path, tmp_path: Path) -> None:
    assert list(two_runs(trial(tmp_path), whole, WAY, random.Random(0), "steps")) == []


def test_a_store_is_filled_by_two_runs_of_which_one_is_killed(whole: Path, tmp_path: Path) -> None:
    assert list(two_fillings(trial(tmp_path), whole, WAY, random.Random(0), kill=True)) == []


def test_a_full_disk_is_one_line_of_the_command_and_loses_nothing(whole: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 32) as allowed:
        if not allowed:
            pytest.skip("a small disk needs the right to mount one")
        on_disk = Trial("toy", "plain", tmp_path / "disk" / "trial")
        line, found = full_disk(on_disk, whole, WAY, tmp_path / "disk", "checkpoint", step=4, free=4096, resume=False)
    assert found == []
    assert "No space left on device" in line


def test_a_command_that_is_killed_leaves_the_earlier_file_or_the_new_one(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole / "run", tmp_path / "run")
    predictions = tmp_path / "out" / "p.jsonl"
    predictions.parent.mkdir()
    arguments = ["evaluate", str(tmp_path / "run"), "--predictions", str(predictions), "--device", "cpu"]
    writer = Writer(arguments, {"MOTET_CACHE": str(whole / "cache")}, (predictions,), tmp_path / "evaluate")
    contents, seconds = undisturbed(writer, WAY)
    assert killed_writer(writer, WAY, contents, seconds, random.Random(1))[1] == []


@pytest.fixture
def changed(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "other")
    assert list(differences(whole, tmp_path / "other")) == []
    return tmp_path / "other"


def test_a_weight_that_differs_is_found(whole: Path, changed: Path) -> None:
    path = changed / "run" / "step-000012" / "model.safetensors"
    weights = load_file(path)
    first = next(iter(weights))
    save_file({**weights, first: torch.nextafter(weights[first], torch.tensor(9.0))}, path)
    assert list(differences(whole, changed)) == ["weights of step 12 differ"]
    assert list(broken(changed / "run")) == ["step-000012/model.safetensors: other bytes than were saved"]


def test_a_step_that_is_missing_or_logged_twice_is_found(whole: Path, changed: Path) -> None:
    log = changed / "run" / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    (fourth,) = (line for line in lines if json.loads(line).get("step") == 4 and "loss" in line)
    log.write_text("".join(line for line in lines if line != fourth))
    assert list(differences(whole, changed)) == [f"log: steps {[1, 2, 3, *range(5, 13)]}"]
    log.write_text("".join([*lines, fourth]))
    assert list(differences(whole, changed)) == [f"log: steps {[*range(1, 13), 4]}"]


@pytest.mark.parametrize("name", ["report.json", "report-val.json", "report.html", "predictions.jsonl"])
def test_a_half_written_file_is_found(whole: Path, changed: Path, name: str) -> None:
    path = changed / "run" / name
    path.write_bytes(path.read_bytes()[:-5])
    assert any(name in text for text in differences(whole, changed))
    assert any(name in text for text in broken(changed / "run"))


@pytest.mark.parametrize("name", ["run/.report.json.x.part", "run/.step-000008.1.old", "cache/features/a/b.unfinished"])
def test_what_is_left_over_is_found(whole: Path, changed: Path, name: str) -> None:
    (changed / name).parent.mkdir(parents=True, exist_ok=True)
    (changed / name).touch()
    assert f"left: {name}" in list(differences(whole, changed))
