"""Sources of data frames: tasks per target, one split for all of them, rows that any process can read again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import motet
from motet.core import ConfigError, DataError, Label, Text
from motet.core.codec import from_json, to_json
from motet.data.source import Source
from motet.scaffold.from_frame import from_frame
from motet.training.saved_names import saved_names

pd = pytest.importorskip("pandas")
COUNT = 40


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty images in the working directory, and a cache beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOTET_CACHE", str(tmp_path / "cache"))
    (tmp_path / "img").mkdir()
    for number in range(COUNT):
        Image.new("RGB", (8, 8), (5 * number, 0, 9)).save(tmp_path / "img" / f"{number}.png")
    return tmp_path


def frame(**more: Any) -> Any:
    rows = {
        "file": [f"img/{n}.png" for n in range(COUNT)],
        "breed": [("cat", "dog")[n % 2] for n in range(COUNT)],
        "mood": [("calm", "wild", "shy")[n % 3] for n in range(COUNT)],
        "note": [f"a small animal with number {n}" for n in range(COUNT)],
    }
    return pd.DataFrame(rows | more)


def ids(sources: tuple[Source, ...], role: str) -> set[str]:
    return {
        key for source in sources if source.role == role for row in range(len(source.reader))
        for key in source.reader.keys(row)
    }  # fmt: skip


def test_each_target_is_a_task_and_no_image_is_in_two_splits_of_any(folder: Path) -> None:
    few = [word if n < 12 else None for n, word in enumerate(frame()["note"])]  # most rows have no note
    sources = from_frame(frame(note=few), targets=("breed", "mood", "note"))
    assert {task.name for source in sources for task in source.tasks} == {"breed", "mood", "note"}
    kinds = {task.name: type(task.target) for source in sources for task in source.tasks}
    assert kinds == {"breed": Label, "mood": Label, "note": Text}
    assert not ids(sources, "train") & (ids(sources, "val") | ids(sources, "test"))
    assert not ids(sources, "val") & ids(sources, "test")
    rows = {task: sum(len(s.reader) for s in sources if s.tasks[0].name == task) for task in kinds}
    assert rows == {"breed": COUNT, "mood": COUNT, "note": 12}
    breed = next(source for source in sources if source.tasks[0].name == "breed")
    example = breed.reader[3]
    assert isinstance(breed.tasks[0].target, Label)
    number = int(Path(example.image_ids[0]).stem)
    assert breed.tasks[0].target.names[example.labels["class"]] == ("cat", "dog")[number % 2]


def test_rows_without_a_target_are_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "motet.data"):
        from_frame(frame(breed=[None, *frame()["breed"][1:]]), targets="breed")
    assert caplog.messages == ["breed: 1 of 40 rows without it are left out"]
    with pytest.raises(DataError, match="targets: 'breed': got no row with it; want at least one"):
        from_frame(frame(breed=[None] * COUNT), targets={"breed": "classification"})


def test_a_column_of_splits_and_a_frame_per_split_are_kept(folder: Path) -> None:
    part = ["train"] * 20 + ["val"] * 8 + ["test"] * 12
    by_column = from_frame(frame(split=part), targets="breed")
    whole = frame()
    by_frame = from_frame({"train": whole[:20], "validation": whole[20:28], "test": whole[28:]}, targets="breed")
    for sources in (by_column, by_frame):
        assert {source.role: len(source.reader) for source in sources} == {"train": 20, "val": 8, "test": 12}
        assert {source.tasks[0] for source in sources} == {sources[0].tasks[0]}
    with pytest.raises(ConfigError, match="split: got 'first'; want 'train', 'val' or 'test' among several"):
        from_frame({"first": whole[:20], "test": whole[20:]}, targets="breed")


def test_images_in_memory_are_stored_once_and_keep_an_image_in_one_split(folder: Path) -> None:
    arrays = [np.full((8, 8, 3), n // 2 * 9, np.uint8) for n in range(COUNT)]  # every image twice
    sources = from_frame(pd.DataFrame({"image": arrays, "label": frame()["breed"]}))
    assert len(list((folder / "cache" / "stored_images").iterdir())) == COUNT // 2
    assert not ids(sources, "train") & ids(sources, "test")
    assert len(ids(sources, "train") | ids(sources, "val") | ids(sources, "test")) == COUNT // 2
    assert sources[0].tasks[0].name == "label"


def test_captions_of_one_image_are_one_row(folder: Path) -> None:
    twice = pd.concat([frame(), frame(note=[f"again a small animal {n}" for n in range(COUNT)])])
    source = from_frame(twice[["file", "note"]])[0]
    assert len(source.reader[0].labels["captions"]) == 2


def test_questions_and_sentences_need_no_word(folder: Path) -> None:
    asked = frame()[["file", "breed"]].rename(columns={"breed": "answer"})
    asked["question"] = [f"which animal is in number {n} ?" for n in range(COUNT)]
    source = from_frame(asked)[0]
    assert source.tasks[0].name == "answer"
    assert source.reader[0].text.startswith("which animal")  # type: ignore[union-attr]
    told = from_frame(frame().rename(columns={"note": "text", "mood": "label"})[["text", "label"]])[0]
    assert told.tasks[0].inputs == {"text"}


def test_a_run_stores_the_rows_as_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = from_frame(frame(), targets=("breed", "note"))
    data = to_json(sources, base=folder)
    monkeypatch.chdir("/")
    again = from_json(data, saved_names())
    assert [[source.reader[row] for row in range(len(source.reader))] for source in again] == [
        [source.reader[row] for row in range(len(source.reader))] for source in sources
    ]


def test_polars_and_pandas_give_the_same(folder: Path) -> None:
    pl = pytest.importorskip("polars")
    rows = [from_frame(one, targets=("breed", "note")) for one in (frame(), pl.from_pandas(frame()))]
    assert rows[0] == rows[1]


def test_an_image_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"image: .*img/0.png.*"):
        from_frame(frame(), targets="breed", image_root=folder / "elsewhere")


def test_names_of_columns_become_names_of_tasks(folder: Path) -> None:
    named = frame().rename(columns={"breed": "the breed/of it", "mood": "../mood"})
    sources = from_frame(named, targets=("the breed/of it", "../mood"))
    assert list(dict.fromkeys(source.tasks[0].name for source in sources)) == ["the_breed_of_it", "mood"]


def test_a_doubt_is_one_line(folder: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        motet.from_frame(frame())
    assert "'breed' (classification), 'mood' (classification), 'note' (captioning)" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
