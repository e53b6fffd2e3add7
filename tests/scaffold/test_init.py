"""`motet init`: what lies in a folder becomes a recipe that can be read, changed and run."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path

import pytest
from PIL import Image

from motet.config.recipe_files import functions_in
from motet.core import ConfigError, DataError
from motet.data.detect import DetectedDataset
from motet.data.detect.survey import survey_folder
from motet.scaffold.init import NothingToRead, read_folder, sources_in, write_recipe
from motet.scaffold.recipe_plan import plan_recipe
from motet.scaffold.recipe_text import recipe_text
from motet.scaffold.task_plan import TaskPlan


def pictures(folder: Path, count: int = 4) -> list[str]:
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (8, 8), (20 * index, 0, 99)).save(folder / f"{index}.png")
    return [f"{index}.png" for index in range(count)]


def captions(folder: Path, name: str = "captions.json", count: int = 12) -> None:
    names = pictures(folder / "pictures", count)
    images = [{"id": index, "file_name": file} for index, file in enumerate(names)]
    notes = [{"id": index, "image_id": index, "caption": f"picture number {index}"} for index in range(count)]
    (folder / name).write_text(json.dumps({"images": images, "annotations": notes}))


def table(path: Path, head: tuple[str, ...], rows) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def folder(tmp_path):
    """Images in class folders, a COCO captions file, a CSV of questions: the three kinds of a user's own data."""
    root = tmp_path / "my data"
    root.mkdir()
    captions(root)
    for kind in ("cat", "dog"):
        pictures(root / "kinds" / kind, 8)
    asked = [(f"pictures/{index}.png", "which number ?", str(index)) for index in range(12)]
    table(root / "questions.csv", ("image", "question", "answer"), asked)
    return root


def test_three_formats_become_three_tasks_with_parts_of_their_own(folder):
    sources = sources_in(folder)
    assert sorted(source.name for source in sources) == sorted(
        f"{task}{part}" for task in ("caption", "kind", "vqa") for part in ("", "/val", "/test")
    )
    for task in ("caption", "kind", "vqa"):
        parts = [source for source in sources if source.tasks[0].name == task]
        keys = [{key for row in range(len(part.reader)) for key in part.reader.keys(row)} for part in parts]
        assert sum(map(len, keys)) == len(set().union(*keys))
        assert all(keys)
    assert [source.tasks[0].target.names for source in sources if source.name == "kind"] == [("cat", "dog")]


def test_the_recipe_is_python_that_a_person_can_run(folder):
    written = write_recipe(folder, folder / "motet_recipe.py")
    assert written.path == folder / "motet_recipe.py"
    assert functions_in(written.path, "Run") == {
        "run": "One LiT decoder for all of it, on the features of a frozen encoder that comes with motet."
    }
    text = written.path.read_text()
    assert 'DATA / "questions.csv"' in text
    assert str(folder) not in text
    assert max(map(len, text.splitlines())) <= 120
    assert any(line.startswith("kind: 16 rows: 2 class folders") for line in written.lines)


def test_a_recipe_somewhere_else_names_the_folder_whole(folder, tmp_path):
    write_recipe(folder, tmp_path / "else.py")
    assert f'DATA = Path("{folder.resolve()}")' in (tmp_path / "else.py").read_text()


def test_captions_of_ones_own_do_not_claim_coco_images(folder):
    caption = next(source for source in sources_in(folder) if source.name == "caption")
    assert caption.reader.keys(0)[0].startswith("pictures/")


def test_detected_sources_are_kept_and_only_the_missing_ones_are_cut(tmp_path):
    for part, count in (("train", 20), ("test", 5)):
        for kind in ("cat", "dog"):
            pictures(tmp_path / part / kind, count)
    rows = {source.name: len(source.reader) for source in sources_in(tmp_path)}
    assert rows["kind/test"] == 10
    assert rows["kind"] + rows["kind/val"] == 40
    assert 0 < rows["kind/val"] < 12


def test_parts_of_a_table_share_the_training_parts_classes(tmp_path):
    names = pictures(tmp_path / "pictures", 12)
    for part, kinds in (("train", "ab" * 6), ("test", "bb" * 6)):
        rows = [(f"pictures/{name}", kind) for name, kind in zip(names, kinds, strict=True)]
        table(tmp_path / f"{part}.csv", ("image", "class"), rows)
    sources = {source.name: source for source in sources_in(tmp_path)}
    assert sources["kind/test"].reader[0].labels["class"] == 1
    assert len(sources["kind/test"].reader) == 12


def test_only_a_test_part_is_cut(tmp_path):
    for kind in ("cat", "dog"):
        pictures(tmp_path / "test" / kind, 20)
    assert {source.role for source in sources_in(tmp_path)} == {"train", "val", "test"}


def test_what_cannot_be_read_is_told_and_left_out(folder):
    table(folder / "more.csv", ("image", "question", "answer"), [("missing/1.png", "why ?", "so")])
    written = write_recipe(folder, folder / "motet_recipe.py")
    assert any(line.startswith("left out: ") and "missing/1.png" in line for line in written.lines)
    assert "more.csv" not in written.path.read_text()


def found(reader, label="class", *, kind="classification", language="en", part="", **arguments):
    return DetectedDataset(
        reader=reader, arguments=arguments, kind=kind, label=label, rows=10, evidence="w", language=language, split=part
    )


def test_two_languages_share_one_reader(tmp_path):
    names = pictures(tmp_path / "pictures", 12)
    rows = [(f"pictures/{name}", f"picture {name}", f"Bild {name}") for name in names]
    table(tmp_path / "both.csv", ("image", "caption_en", "caption_de"), rows)
    sources = {source.name: source for source in sources_in(tmp_path)}
    assert {"caption", "caption_de"} <= set(sources)
    assert sources["caption"].reader == sources["caption_de"].reader
    assert sources["caption_de"].tasks[0].label == "captions_de"


def test_long_calls_are_broken_over_lines(tmp_path):
    long = "a_long_name_of_a_folder_that_goes_on_and_on_for_quite_a_while_so_that_no_line_would_hold_it"
    for kind in ("cat", "dog"):
        pictures(tmp_path / long / kind, 5)
    plans = [TaskPlan("kind", (found("ImageFolder", root=tmp_path / long, name="n"),))]
    text = recipe_text(plan_recipe(plans), tmp_path, tmp_path / "r.py")
    assert "kind_rows = ImageFolder(\n        root=DATA" in text
    compile(text, "r.py", "exec")


@pytest.mark.parametrize(
    ("out", "message"),
    [("recipe.txt", "want a Python file"), ("my-recipe.py", "want a Python file"), ("there.py", "--force to replace")],
)
def test_a_file_that_cannot_be_written_to_is_refused(folder, tmp_path, out, message):
    (tmp_path / "there.py").write_text("x = 1\n")
    with pytest.raises(ConfigError, match=message):
        write_recipe(folder, tmp_path / out)
    assert (tmp_path / "there.py").read_text() == "x = 1\n"
    if out == "there.py":
        assert write_recipe(folder, tmp_path / out, replace=True).path.read_text() != "x = 1\n"


def test_a_folder_with_nothing_in_it_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="want data in a known layout"):
        write_recipe(tmp_path / "empty", tmp_path / "r.py")
    with pytest.raises(DataError, match="got no folder"):
        sources_in(tmp_path / "not there")
    assert not (tmp_path / "r.py").exists()


def test_a_folder_is_surveyed_once(folder, monkeypatch):
    surveyed = []
    monkeypatch.setattr("motet.data.detect.survey_folder", lambda *given: surveyed.append(1) or survey_folder(*given))
    read_folder(folder)
    assert len(surveyed) == 1
    write_recipe(folder, folder / "motet_recipe.py")
    assert len(surveyed) == 2


def test_what_is_not_read_is_told_beside_the_sources(folder):
    table(folder / "more.csv", ("image", "question", "answer"), [("missing/1.png", "why ?", "so")])
    table(folder / "log.csv", ("step", "loss"), [("1", "2.5")])
    data = read_folder(folder)
    assert [source.name for source in data.sources] == [source.name for source in sources_in(folder)]
    assert [
        "more.csv: table: got 'missing/1.png' in column 'image', whose file is pictures/1.png" in line
        for line in data.left_out
    ] == [True]
    assert ["log.csv: got a table without a column of images" in line for line in data.notes] == [True]
    written = write_recipe(folder, folder / "motet_recipe.py")
    assert written.lines[-2:] == data.lines == (f"left out: {data.left_out[0]}", f"note: {data.notes[0]}")


def test_names_in_lines_are_printable(tmp_path):
    pictures(tmp_path / "a\nb\u2028\x1b[31m" / "cat")
    with pytest.raises(NothingToRead) as raised:
        read_folder(tmp_path)
    (line,) = raised.value.lines
    assert line.isprintable()
    assert "a\\nb\\u2028\\x1b[31m" in line


def test_the_error_has_all_lines_and_can_be_pickled(tmp_path):
    table(tmp_path / "a.csv", ("image", "size"), [("missing/1.png", "4")])
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(
        NothingToRead, match=r"got nothing to train on \(0 images, 1 \.csv, 1 \.json in 1 folder;"
    ) as raised:
        read_folder(tmp_path)
    error = pickle.loads(pickle.dumps(raised.value))
    assert (str(error), error.lines) == (str(raised.value), raised.value.lines)
    assert len(error.lines) == 2


def test_many_files_are_some_lines_and_a_number(tmp_path):
    for number in range(30):
        table(tmp_path / f"{number}.csv", ("a", f"b{number}"), [("1", "2")])
    with pytest.raises(NothingToRead) as raised:
        read_folder(tmp_path)
    assert len(raised.value.lines) == 21
    assert raised.value.lines[-1] == "... and 1 more"
    for number in range(25):
        (tmp_path / f"{number}.csv").unlink()
    with pytest.raises(NothingToRead) as raised:
        read_folder(tmp_path)
    assert len(raised.value.lines) == 5
