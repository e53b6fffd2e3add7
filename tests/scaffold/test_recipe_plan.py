"""The plan of a recipe: shared readers and sources, variables that do not collide, sources that are what is planned."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from motet.core import Label
from motet.data.detect import detect
from motet.scaffold.expressions import Attribute, Call, Item, Variable
from motet.scaffold.plan_tasks import plan_tasks
from motet.scaffold.recipe_plan import plan_recipe


def pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (8, 8), (20 * index, 0, 99)).save(folder / f"{index}.png")


def planned(root: Path):
    return plan_recipe(plan_tasks(detect(root)))


def test_missing_splits_are_items_of_one_split(tmp_path):
    for kind in ("cat", "dog"):
        pictures(tmp_path / kind, 10)
    plan = planned(tmp_path)
    reader, parts, task = plan.statements
    assert [one.variable for one in plan.statements] == ["kind_rows", "kind_rows_parts", "kind"]
    assert reader.comment == "kind: 2 class folders of images (cat, dog)"
    assert (parts.comment, task.comment) == ("", "")
    assert [(source.name, source.role, source.reader) for source in plan.sources] == [
        ("kind", "train", Item(Variable("kind_rows_parts"), "train")),
        ("kind/val", "val", Item(Variable("kind_rows_parts"), "val")),
        ("kind/test", "test", Item(Variable("kind_rows_parts"), "test")),
    ]
    sources = plan.build_sources()
    assert [(source.name, source.role) for source in sources] == [(one.name, one.role) for one in plan.sources]
    assert sum(len(source.reader) for source in sources) == 20
    assert [task.target for source in sources for task in source.tasks] == [Label(("cat", "dog"))] * 3


def test_nothing_is_read_for_the_plan_where_all_splits_are_given(tmp_path, monkeypatch):
    for part in ("train", "val", "test"):
        for kind in ("cat", "dog"):
            pictures(tmp_path / part / kind, 2)
    tasks = plan_tasks(detect(tmp_path))
    monkeypatch.setattr("motet.data.readers.ImageFolder", None)
    plan = plan_recipe(tasks)
    assert {source.role for source in plan.sources} == {"train", "val", "test"}
    with pytest.raises(TypeError):
        plan.build_sources()


def test_two_tasks_on_the_rows_of_one_table_share_its_reader_and_split(tmp_path):
    pictures(tmp_path / "images", 12)
    rows = "".join(f"images/{index}.png,a dog,ein Hund\n" for index in range(12))
    (tmp_path / "both.csv").write_text(f"image,caption_en,caption_de\n{rows}")
    plan = planned(tmp_path)
    assert [one.variable for one in plan.statements] == ["caption_rows", "caption_rows_parts", "caption", "caption_de"]
    english, german = plan.build_sources()[0], plan.build_sources()[3]
    assert english.reader is german.reader


def test_other_splits_take_the_names_of_the_training_split(tmp_path):
    pictures(tmp_path / "images", 4)
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text("image,label\nimages/0.png,dog\nimages/1.png,cat\n")
    readers = {one.variable: one.value for one in planned(tmp_path).statements if isinstance(one.value, Call)}
    assert readers["kind_test"].keywords["names"] == Attribute(Variable("kind_train"), "names")


def test_variables_of_readers_are_not_the_names_of_tasks(tmp_path):
    for place in ("x", "rows"):
        for kind in ("cat", "dog"):
            pictures(tmp_path / place / kind, 3)
    pictures(tmp_path / "images", 4)
    plan = planned(tmp_path)
    variables = [one.variable for one in plan.statements]
    assert len(set(variables)) == len(variables)
    assert {"kind_x", "kind_rows"} <= set(variables)
