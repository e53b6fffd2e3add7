"""Values of shared options: folders of runs, origins of recipes, records of run folders."""

from __future__ import annotations

import pytest

from motet.cli.options import (
    folder_of,
    is_main_process,
    moved_data,
    origin_of,
    recipe_run,
    run_of,
    run_sources,
    sources_of,
)
from motet.core import ConfigError
from motet.training.run_training import run_training


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("lit_decoder:tiny", "runs/lit_decoder-tiny"),
        ("some/where/mine.py", "runs/mine"),
        ("some/where/mine.py:run", "runs/mine"),
        ("mine.py:other", "runs/mine-other"),
    ],
)
def test_the_default_folder_of_a_run_is_named_after_its_recipe(name: str, folder: str) -> None:
    assert folder_of(name).as_posix() == folder


def test_an_origin_is_found_from_any_working_directory(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    origin = origin_of("mine.py:other", ["train.steps=5"])
    assert origin == {"recipe": f"{tmp_path / 'mine.py'}:other", "settings": ["train.steps=5"]}
    assert origin_of("lit_decoder:tiny", None) == {"recipe": "lit_decoder:tiny", "settings": []}


def test_the_run_of_a_folder_is_its_data_with_the_settings_of_the_command_line(recipe, tmp_path) -> None:
    run_training(recipe_run(str(recipe), None), tmp_path / "run", device="cpu", show=False)
    run = run_of(tmp_path / "run", ["train.steps=9", "schedule.batch_size=2"])
    assert (run.train.steps, run.schedule.batch_size) == (9, 2)
    assert {source.role for source in run_of(tmp_path / "run", roles=("train", "val")).sources} == {"train", "val"}
    few = run_sources(tmp_path / "run", "test", ["sources.vqa/test.weight=2.0"])
    assert {source.name: source.weight for source in few} == {"kind/test": 1.0, "vqa/test": 2.0}


def test_data_that_moved_are_pairs_of_paths(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert moved_data(["/old/coco=/new/coco", "/a=b"]) == {"/old/coco": "/new/coco", "/a": f"{tmp_path}/b"}
    for pair in ("/old", "/old=", "old=/new"):
        with pytest.raises(ConfigError, match=f"--data: got '{pair}'; want OLD=NEW"):
            moved_data([pair])


def test_sources_are_those_of_a_recipe_or_detected_in_a_folder(recipe) -> None:
    assert {source.name for source in sources_of(str(recipe), None)} >= {"kind", "vqa", "kind/val", "vqa/test"}
    assert {source.tasks[0].name for source in sources_of(str(recipe.parent / "kinds"), None)} == {"kind"}


@pytest.mark.parametrize(("rank", "main"), [(None, True), ("0", True), ("1", False)])
def test_only_the_first_process_writes(monkeypatch, rank: str | None, main: bool) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_main_process() is main
