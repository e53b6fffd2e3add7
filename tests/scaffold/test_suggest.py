"""The run that is suggested for sources is the one that `motet init` writes for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from toys import ToyReader

from motet.config.recipe_files import load_recipe
from motet.core import ConfigError, Example, Match, Task
from motet.core.cache_folder import cache_folder
from motet.data.source import Source
from motet.scaffold.init import sources_in, write_recipe
from motet.scaffold.suggest import kind_of, suggest
from motet.scaffold.task_text import TASK_MAKERS
from motet.tasks import TASKS, classification, detection, semantic_segmentation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Class folders and a table of captions: two tasks that one system answers."""
    root = tmp_path / "my data"
    lines = ["file,caption"]
    for number in range(16):
        path = root / "kinds" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (9 * number, 0, 0)).save(path)
        Image.new("RGB", (8, 8), (0, 9 * number, 0)).save(root / f"{number}.png")
        lines.append(f"{number}.png,a green square with number {number}")
    (root / "captions.csv").write_text("\n".join(lines))
    return root


def test_it_is_the_recipe_s_run_on_the_same_sources(folder: Path, tmp_path: Path) -> None:
    write_recipe(folder, tmp_path / "own_recipe.py")
    written = load_recipe(f"{tmp_path / 'own_recipe.py'}:run")
    suggested = suggest(sources_in(folder))
    assert suggested.features is not None
    assert suggested.features.folder == cache_folder() / "features"
    assert dataclasses.replace(suggested, features=written.features) == written


def test_the_steps_that_are_given_are_taken(folder: Path) -> None:
    run = suggest(sources_in(folder), steps=8)
    assert (run.train.steps, run.train.evaluate_every) == (8, 2)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_has_a_kind_that_systems_know(name: str) -> None:
    kind = kind_of(TASKS[name])
    assert kind in TASK_MAKERS or kind == "masked"


def source(task: Task) -> Source:
    return Source(name=task.name, reader=ToyReader(task.name, 3), tasks=(task,))


def test_tasks_that_no_system_answers_together_are_said_with_those_that_answer_some() -> None:
    maps = semantic_segmentation("segment", ("a", "b"))
    with pytest.raises(
        ConfigError,
        match=r"suggest: got tasks that no one system answers: .* for coco_caption, kind; .* for segment; want",
    ):
        suggest((source(maps), source(TASKS["coco_caption"]), source(classification("kind", ("a", "b")))))


def test_what_is_no_source_is_named() -> None:
    with pytest.raises(ConfigError, match="suggest: got a int among the sources; want Source values"):
        suggest((3,))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="suggest: got no source of role 'train'"):
        suggest(())


class BoxRows(ToyReader):
    """Rows with a number of boxes each."""

    def __getitem__(self, index: int) -> Example:
        boxes: Any = type("Boxes", (), {"labels": [0] * (40 + index)})
        return dataclasses.replace(super().__getitem__(index), labels={"boxes": boxes})


def test_boxes_have_as_many_queries_as_images_need() -> None:
    task = detection("boxes", ("a",))
    few, many = (
        suggest((Source(name="boxes", reader=reader, tasks=(task,)),))
        for reader in (dataclasses.replace(BoxRows("a", 1)), BoxRows("a", 30))
    )
    assert many.system.box_queries > few.system.box_queries  # type: ignore[attr-defined]


def test_a_match_is_pointing() -> None:
    task = dataclasses.replace(TASKS["visual7w"], target=Match("regions"))
    assert kind_of(task) == "pointing"
