"""Folders of videos, in lists, class folders, as Kinetics and as MSVD have them, and what is told of broken ones."""

from __future__ import annotations

import os
from pathlib import Path

import published_videos as published
import pytest
from PIL import Image

from motet.core import DataError
from motet.data.detect import detect, inspect_folder
from motet.data.readers import READERS


def seen(root: Path) -> list[tuple[str, str, str, int]]:
    """Reader, kind, part and rows of what was found; nothing is wrong with it."""
    found = detect(root)
    assert [one.problems for one in found] == [()] * len(found)
    return sorted((one.reader, one.kind, one.split, one.rows) for one in found)


def problem(root: Path) -> str:
    """What is wrong with the one thing that was found."""
    (found,) = detect(root)
    assert found.rows == 0
    (told,) = found.problems
    assert "\n" not in told
    return told


CLASSES = "video classification"


@pytest.mark.parametrize("place", [".", "fights"])
def test_a_list_a_part_beside_its_videos(tmp_path: Path, place: str) -> None:
    published.write_list(tmp_path / place)
    published.text(tmp_path / place / "val.csv", "noFight/001.mp4,noFight\n")
    assert seen(tmp_path) == [("VideoList", CLASSES, "train", 2), ("VideoList", CLASSES, "val", 1)]
    train, val = detect(tmp_path)
    assert "root" not in train.arguments
    assert train.evidence == "videos and a list of their classes (train.csv), 2 classes (fight, noFight)"
    assert READERS[val.reader](**val.arguments)[0].labels == {"class": 1}


@pytest.mark.parametrize("head", ["", "path,label\n"])
def test_lists_above_and_apart_from_the_folder_of_videos(tmp_path: Path, head: str) -> None:
    _, files = published.write_list(tmp_path / "clips")
    (tmp_path / "clips" / "train.csv").unlink()
    lines = "".join(f"{file.parent.name}/{file.name},{file.parent.name}\n" for file in files)
    published.text(tmp_path / "lists" / "train.csv", head + lines)
    published.text(tmp_path / "lists" / "test.txt", lines.replace(",", " "))
    assert seen(tmp_path) == [("VideoList", CLASSES, "test", 2), ("VideoList", CLASSES, "train", 2)]
    assert {one.arguments["root"] for one in detect(tmp_path)} == {tmp_path / "clips"}


def test_a_list_takes_its_videos_and_leaves_others(tmp_path: Path) -> None:
    published.write_list(tmp_path / "a")
    published.write_classes(tmp_path / "b", count=2)
    assert seen(tmp_path) == [("VideoFolder", CLASSES, "", 4), ("VideoList", CLASSES, "train", 2)]


def test_class_folders_in_parts_share_the_training_parts_classes(tmp_path: Path) -> None:
    published.write_classes(tmp_path / "train", ("jump", "run", "swim"), count=2)
    published.write_classes(tmp_path / "test", ("run", "swim"))
    assert seen(tmp_path) == [("VideoFolder", CLASSES, "test", 2), ("VideoFolder", CLASSES, "train", 6)]
    test = next(one for one in detect(tmp_path) if one.split == "test")
    assert READERS[test.reader](**test.arguments).names == ("jump", "run", "swim")


def test_a_class_that_is_not_in_training_is_told(tmp_path: Path) -> None:
    published.write_classes(tmp_path / "train")
    published.write_classes(tmp_path / "val", ("jump", "rum"))
    (train, val) = sorted(detect(tmp_path), key=lambda one: one.split)
    assert not train.problems
    assert "class: got 'rum'; want one of the given names" in val.problems[0]


def test_images_in_class_folders_are_left_to_others(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        for number in range(3):
            Image.new("RGB", (4, 4)).save(tmp_path / kind / f"{number}.png")
    published.video(tmp_path / "cat" / "film.mp4")
    assert seen(tmp_path) == [("ImageFolder", "classification", "", 6)]


def test_kinetics_by_its_names_in_class_folders(tmp_path: Path) -> None:
    published.write_kinetics(tmp_path / "k400")
    published.write_kinetics(tmp_path / "k400", "val")
    assert seen(tmp_path) == [("Kinetics", CLASSES, "train", 2), ("Kinetics", CLASSES, "val", 2)]
    assert {one.arguments["split"] for one in detect(tmp_path)} == {"train", "val"}
    (alone,) = detect(tmp_path / "k400" / "train")
    assert (alone.split, alone.arguments["split"], alone.problems) == ("", "train", ())


HEAD = "label,youtube_id,time_start,time_end,split\n"


@pytest.mark.parametrize("flat", [True, False])
def test_kinetics_with_its_table(tmp_path: Path, flat: bool) -> None:
    for file in published.write_kinetics(tmp_path):
        if flat:
            file.rename(tmp_path / "train" / file.name)
            file.parent.rmdir()
    rows = "air drumming,-_cdefghijk,0,10,train\nabseiling,abcdefghijk,10,20,train\nyoga,notherehere,5,15,train\n"
    published.text(tmp_path / "annotations" / "train.csv", HEAD + rows)
    assert seen(tmp_path) == [("Kinetics", CLASSES, "train", 2)]
    published.text(tmp_path / "annotations" / "val.csv", HEAD + rows)
    val = next(one for one in detect(tmp_path) if one.split == "val")
    assert "got no folder with its videos" in val.problems[0]


def test_msvd_is_captions_and_videos_to_be_found_by_them(tmp_path: Path) -> None:
    _, files = published.write_msvd(tmp_path)
    kinds = ("video captioning", "video retrieval")
    assert seen(tmp_path) == [("Msvd", kind, "", 2) for kind in kinds]
    published.text(tmp_path / "train_list.txt", f"{files[0].stem}\n")
    published.text(tmp_path / "test_list.txt", f"{files[1].name}\n")
    assert seen(tmp_path) == [("Msvd", kind, part, 1) for kind in kinds for part in ("test", "train")]


def test_captions_of_ones_own_in_msvd_s_form(tmp_path: Path) -> None:
    for name in ("one", "two"):
        published.video(tmp_path / "clips" / f"{name}.mp4")
    published.text(tmp_path / "captions.txt", "one a man runs\ntwo a dog sleeps\none he runs\n")
    assert {(one.reader, one.label, one.rows) for one in detect(tmp_path)} == {("Msvd", "captions", 2)}


def test_lines_of_numbers_are_no_captions_of_videos_of_that_name(tmp_path: Path) -> None:
    published.write_classes(tmp_path / "clips", count=2)
    for number in range(2):
        published.text(tmp_path / "labels" / f"{number}.txt", f"{number} 0.5 0.5 0.2 0.2\n")
    assert {one.reader for one in detect(tmp_path)} == {"VideoFolder", "YoloLabels"}


@pytest.mark.parametrize("content", ["", "path,label\n"])
def test_an_empty_list_is_told_and_the_other_is_read(tmp_path: Path, content: str) -> None:
    published.write_list(tmp_path)
    published.text(tmp_path / "val.csv", content)
    train, val = detect(tmp_path)
    assert (train.rows, train.problems) == (2, ())
    assert (val.split, val.problems) == (
        "val",
        (f"videos: got none; want one line per video ({tmp_path / 'val.csv'})",),
    )


def test_an_empty_table_without_videos_is_nobody_s(tmp_path: Path) -> None:
    published.text(tmp_path / "train.csv", "")
    assert detect(tmp_path) == ()


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ("fight,fight/001.mp4\n", "want a path and a class, in this order"),
        ("fight/001.mp4,fight,3\n", "want a path and a class"),
        ("fight/001.mp4,two men fight in a street\n", "as in MSVD"),
        ("fights/1.mp4,fight\n", "got no folder with the video fights/1.mp4"),
        ("fight/001.mp4\n", "want a path and a class"),
    ],
)
def test_a_list_that_cannot_be_read_is_told(tmp_path: Path, lines: str, want: str) -> None:
    published.write_list(tmp_path)
    published.text(tmp_path / "train.csv", lines)
    (tmp_path / "noFight" / "001.mp4").unlink()
    if "fights/" in lines:
        (tmp_path / "fight" / "001.mp4").unlink()
    assert want in problem(tmp_path)
    assert "train.csv" in problem(tmp_path)


def test_captions_without_videos_and_lines_without_captions_are_told(tmp_path: Path) -> None:
    table, files = published.write_msvd(tmp_path)
    table.write_text(table.read_text() + f"{files[0].stem}\n")
    assert "want a video and a sentence" in problem(tmp_path)
    for file in files:
        file.unlink()
    table.write_text(table.read_text().rpartition("-4wsuPCjDBc_5_15\n")[0])
    assert "got no folder with the video -4wsuPCjDBc_5_15" in problem(tmp_path)


def test_an_empty_class_folder_is_told(tmp_path: Path) -> None:
    published.write_classes(tmp_path)
    (tmp_path / "swim").mkdir()
    contents = inspect_folder(tmp_path)
    assert [(one.rows, one.problems) for one in contents.datasets] == [(2, ())]
    (miss,) = contents.near_misses
    assert (
        str(miss)
        == f"{tmp_path}: got empty folders beside class folders (swim); want files in them if they are classes"
    )


def test_videos_of_which_nothing_is_said_are_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        published.video(tmp_path / "clips" / f"{name}.mp4")
    assert "got 2 videos without annotations" in problem(tmp_path)
    (tmp_path / "clips" / "a.mp4").unlink()
    assert detect(tmp_path) == ()


def test_a_broken_video_is_found_and_told_when_it_is_read(tmp_path: Path) -> None:
    broken, *_ = published.write_classes(tmp_path)
    broken.write_text("no video")
    (found,) = detect(tmp_path)
    assert not found.problems
    with pytest.raises(DataError, match=str(broken)):
        READERS[found.reader](**found.arguments)[0].images[0].read()


DATA = os.environ.get("MOTET_DATA", "")


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="MOTET_DATA is not set")
def test_fights_are_recognised() -> None:
    assert seen(Path(DATA) / "surv_fight") == [("VideoList", CLASSES, "train", 194), ("VideoList", CLASSES, "val", 14)]
