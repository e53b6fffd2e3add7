"""Values of shared options: folders of runs, origins of recipes, records of run folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motet.cli.options import folder_of, is_main_process, origin_of, recipe_run, recorded, run_of, sources_of, trusted
from motet.core import CheckpointError


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


def test_a_run_is_loaded_again_with_its_settings_and_later_ones_win(recipe, tmp_path) -> None:
    origin = origin_of(str(recipe), ["train.steps=7", "schedule.batch_size=2"])
    (tmp_path / "run.json").write_text(json.dumps({"origin": origin}))
    run = run_of(tmp_path, ["train.steps=9"])
    assert (run.train.steps, run.schedule.batch_size) == (9, 2)
    assert recipe_run(str(recipe), None).train.steps == 4


def test_run_folders_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"got no run\.json; want a folder that `motet train` made"):
        recorded(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointError, match="got a damaged file"):
        recorded(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(CheckpointError, match="want its recipe: --recipe RECIPE"):
        run_of(tmp_path)


def test_sources_are_those_of_a_recipe_or_detected_in_a_folder(recipe) -> None:
    assert {source.name for source in sources_of(str(recipe), None)} >= {"kind", "vqa", "kind/val", "vqa/test"}
    assert {source.tasks[0].name for source in sources_of(str(recipe.parent / "kinds"), None)} == {"kind"}


def test_a_file_is_trusted_by_its_module_name_and_a_package_by_its_own(recipe) -> None:
    assert trusted([str(recipe), "my_package"]) == ("grey_recipe", "my_package")
    assert trusted(None) == ()


@pytest.mark.parametrize(("rank", "main"), [(None, True), ("0", True), ("1", False)])
def test_only_the_first_process_writes(monkeypatch, rank: str | None, main: bool) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert is_main_process() is main
