"""Folders of one's own, `images/` beside `masks/` and others: recognised, read, and told when they are wrong."""

import numpy as np
import published_maps as published
import pytest
from PIL import Image

from motet.config.recipe_files import load_recipe
from motet.core import ConfigError, DataError
from motet.data.detect import detect
from motet.data.readers import MapFolders
from motet.scaffold.init import write_recipe


def rooms(root, maps=("masks",), *, count=4, ending="", numbers=(0, 1, 2), images="images", split=""):
    """Pictures with maps of constant numbers, in turn."""
    for place in range(count):
        published.image(root / images / split / f"room{place}.jpg")
        for kind in maps:
            number = numbers[place % len(numbers)]
            published.values(root / kind / split / f"room{place}{ending}.png", number)


def only(root):
    (found,) = detect(root)
    assert found.problems == ()
    return found


def test_images_beside_masks_are_label_images_and_no_classes_of_images(tmp_path):
    rooms(tmp_path)
    found = only(tmp_path)
    assert (found.reader, found.kind, found.rows) == ("MapFolders", "segmentation", 4)
    assert found.arguments["names"] == ("class 0", "class 1", "class 2")
    assert "3 classes in all 4 label images" in found.evidence


@pytest.mark.parametrize("mixed", [False, True])
def test_images_without_a_map_are_counted(tmp_path, mixed):
    rooms(tmp_path, ("images",) if mixed else ("masks",), ending="_mask" if mixed else "")
    assert "left out" not in only(tmp_path).evidence
    for name in ("zoo", "zero"):
        published.image(tmp_path / "images" / f"{name}.jpg")
    found = only(tmp_path)
    assert found.rows == 4
    assert found.evidence.endswith(", 2 images without one left out (zero.jpg)")


def test_a_number_in_single_pixels_is_told(tmp_path):
    rooms(tmp_path)
    Image.new("RGB", (32, 24)).save(tmp_path / "images" / "room0.jpg")
    values = np.zeros((24, 32), np.uint8)
    values[8:, 8:], values[8:, 20:] = 1, 2
    published.values(tmp_path / "masks" / "room0.png", values)
    assert "stray" not in only(tmp_path).evidence
    values[4, 4] = 3
    published.values(tmp_path / "masks" / "room0.png", values)
    evidence = only(tmp_path).evidence
    assert "4 classes in all 4 label images, the number 3 in 1 stray pixel only (a class, or a mistake?)" in evidence


@pytest.mark.parametrize("inside", [False, True])
def test_parts_share_the_classes_of_all(tmp_path, inside):
    for split, numbers in (("train", (0, 1)), ("val", (0, 3))):
        if inside:
            rooms(tmp_path, numbers=numbers, split=split)
        else:
            rooms(tmp_path / split, ("labels",), numbers=numbers)
    found = detect(tmp_path)
    assert [(one.split, one.rows) for one in found] == [("train", 4), ("val", 4)]
    assert {one.arguments["names"] for one in found} == {("class 0", "class 1", "class 2", "class 3")}


def test_a_mask_of_black_and_white_is_a_foreground(tmp_path):
    rooms(tmp_path, numbers=(0, 255), ending="_mask")
    found = only(tmp_path)
    assert found.arguments["names"] == ("background", "foreground")
    reader = MapFolders(**found.arguments)
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(2)] == [0, 1]


def test_255_among_other_numbers_is_no_class(tmp_path):
    rooms(tmp_path, numbers=(0, 1, 255))
    found = only(tmp_path)
    assert len(found.arguments["names"]) == 2
    assert int(MapFolders(**found.arguments)[2].labels["segmentation"][0, 0]) == -1


def test_numbers_far_apart_are_classes_of_these_numbers(tmp_path):
    rooms(tmp_path, numbers=(7, 100))
    found = only(tmp_path)
    assert (found.arguments["names"], found.arguments["stored"]) == (("class 7", "class 100"), (7, 100))
    assert int(MapFolders(**found.arguments)[1].labels["segmentation"][0, 0]) == 1


@pytest.mark.parametrize(
    ("lines", "numbers", "first"), [("wall\nfloor\nsofa", (0, 2), 0), ("wall\nfloor", (0, 1, 2), 1)]
)
def test_names_are_read_from_a_file_beside(tmp_path, lines, numbers, first):
    rooms(tmp_path, numbers=numbers)
    (tmp_path / "classes.txt").write_text(lines)
    found = only(tmp_path)
    assert found.arguments["names"] == tuple(lines.split())
    reader = MapFolders(**found.arguments)
    assert int(reader[1].labels["segmentation"][0, 0]) == numbers[1] - first


def test_colours_are_classes_and_may_have_names(tmp_path):
    rooms(tmp_path, numbers=((0, 0, 0), (128, 64, 0)))
    found = only(tmp_path)
    assert found.arguments["names"] == ("colour #000000", "colour #804000")
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,128,64,0\nvoid,0,0,0\nsky,1,2,3\n")
    found = only(tmp_path)
    assert found.arguments["names"] == ("road", "void", "sky")
    reader = MapFolders(**found.arguments)
    assert [int(reader[row].labels["segmentation"][0, 0]) for row in range(2)] == [1, 0]


def test_all_four_maps_are_one_source_of_the_recipe(tmp_path):
    root = tmp_path / "rooms"
    for split in ("train", "val"):
        rooms(root / split, ("masks", "edges"), images="rgb")
        for place in range(4):
            published.values(root / split / "depth" / f"room{place}.png", 1500, np.uint16)
            published.values(root / split / "normals" / f"room{place}.png", (128, 128, 255))
    write_recipe(root, tmp_path / "own_rooms.py")
    run = load_recipe(f"{tmp_path / 'own_rooms.py'}:run")
    train, val = ([source for source in run.sources if source.role == role] for role in ("train", "val"))
    assert [{task.name for task in source.tasks} for source in (*train, *val)] == 2 * [
        {"segment", "depth", "normals", "edges"}
    ]
    assert float(train[0].reader[0].labels["depth"][0, 0]) == 1.5


def test_masks_that_are_photographs_are_told(tmp_path):
    rooms(tmp_path, maps=())
    rng = np.random.default_rng(0)
    published.values(tmp_path / "masks" / "room0.png", rng.integers(0, 65536, (4, 6)), np.uint16)
    noisy = rng.integers(0, 256, (40, 60, 3))
    published.values(tmp_path / "masks" / "room1.png", noisy)
    found = detect(tmp_path)
    assert "more than 256 numbers or colours; want one per class" in found[0].problems[0]


def test_one_broken_mask_does_not_hide_the_others_and_none_that_can_be_read_is_told(tmp_path):
    rooms(tmp_path)
    (tmp_path / "masks" / "room3.png").write_bytes(b"\x89PNG no more")
    assert only(tmp_path).arguments["names"] == ("class 0", "class 1", "class 2")
    for place in range(4):
        (tmp_path / "masks" / f"room{place}.png").write_bytes(b"\x89PNG no more")
    assert "got none that can be read; want PNG files" in detect(tmp_path)[0].problems[0]


def test_labels_of_boxes_are_left_to_whoever_reads_them(tmp_path):
    published.image(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "classes.txt").write_text("cell\n")
    assert {one.kind for one in detect(tmp_path)} == {"detection"}


def test_what_is_stored_must_fit_the_names(tmp_path):
    rooms(tmp_path)
    folders = {"segmentation": tmp_path / "masks"}
    with pytest.raises(ConfigError, match="got 1 numbers or colours; want one for each of the 2 names"):
        MapFolders(tmp_path / "images", folders, names=("a", "b"), stored=(0,))
    with pytest.raises(ConfigError, match="numbers and colours; want one kind"):
        MapFolders(tmp_path / "images", folders, names=("a", "b"), stored=(0, (1, 2, 3)))
    with pytest.raises(DataError, match="want files of equal names"):
        MapFolders(tmp_path / "images", folders, names=("a",), map_names={"segmentation": "{}_mask"})
