"""Links to folders: followed once, and never in a circle."""

from pathlib import Path

import pytest
from PIL import Image

from motet.data.detect import inspect_folder
from motet.data.formats.linked_folders import leads_back, walk_folder
from motet.data.readers import ImageFolder, YoloLabels


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4)).save(folder / name)


def link(place: Path, target: str | Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target, target_is_directory=True)


def files(folder: Path) -> list[str]:
    return sorted(
        (above / name).relative_to(folder).as_posix() for above, names in walk_folder(folder) for name in names
    )


def test_a_link_to_another_folder_is_followed(tmp_path):
    put(tmp_path, "disk/part/1.jpg", "d/cat/0.jpg")
    link(tmp_path / "d/cat/more", tmp_path / "disk")
    assert files(tmp_path / "d") == ["cat/0.jpg", "cat/more/part/1.jpg"]


def test_a_folder_that_two_ways_lead_to_is_walked_once(tmp_path):
    put(tmp_path, "disk/1.jpg", "d/b/2.jpg")
    for name in ("a", "c"):
        link(tmp_path / "d" / name, tmp_path / "disk")
    link(tmp_path / "d/0", "b")
    assert files(tmp_path / "d") == ["a/1.jpg", "b/2.jpg"]


@pytest.mark.parametrize("target", [".", "..", "../..", "../cat", "/"])
def test_a_link_upwards_is_no_endless_walk(tmp_path, target):
    put(tmp_path, "d/cat/0.jpg", "outside.jpg")
    link(tmp_path / "d/cat/loop", target)
    assert files(tmp_path / "d") == ["cat/0.jpg"]
    assert leads_back(tmp_path / "d/cat/loop", tmp_path / "d")


def test_two_folders_that_link_to_each_other_are_walked_once(tmp_path):
    put(tmp_path, "a/1.jpg", "b/2.jpg")
    link(tmp_path / "a/x", "../b")
    link(tmp_path / "b/y", "../a")
    assert files(tmp_path / "a") == ["1.jpg", "x/2.jpg"]
    assert leads_back(tmp_path / "a/x/y", tmp_path)
    assert not leads_back(tmp_path / "a/x", tmp_path)


def test_class_folders_with_links_have_each_image_once(tmp_path):
    put(tmp_path, "disk/1.jpg", "d/cat/0.jpg", "d/dog/0.jpg")
    link(tmp_path / "d/cat/more", tmp_path / "disk")
    link(tmp_path / "d/dog/up", "../..")
    link(tmp_path / "d/all", ".")
    link(tmp_path / "d/bird", tmp_path / "disk")
    reader = ImageFolder(tmp_path / "d")
    assert reader.names == ("bird", "cat", "dog")
    assert [reader.keys(row) for row in range(len(reader))] == [
        ("d/bird/1.jpg",), ("d/cat/0.jpg",), ("d/cat/more/1.jpg",), ("d/dog/0.jpg",),
    ]  # fmt: skip
    (found,) = inspect_folder(tmp_path / "d").datasets
    assert (found.reader, found.rows) == ("ImageFolder", 4)


def test_yolo_reads_linked_folders(tmp_path):
    put(tmp_path, "disk/1.jpg")
    link(tmp_path / "images/part", tmp_path / "disk")
    (tmp_path / "labels/part").mkdir(parents=True)
    (tmp_path / "labels/part/1.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    link(tmp_path / "labels/loop", "..")
    assert YoloLabels(tmp_path / "images", tmp_path / "labels", names=("a",))[0].image_ids == (
        f"{tmp_path.name}/images/part/1.jpg",
    )
