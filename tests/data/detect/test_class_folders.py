"""Images in class folders: classes, splits, folders that are no classes, and folders of class folders."""

import pytest
from user_folders import coco, images, read, write

from motet.core import ConfigError
from motet.data.detect import detect, inspect_folder


def notes(folder):
    return [str(miss).removeprefix(str(folder)) for miss in inspect_folder(folder).near_misses]


def test_class_folders(tmp_path):
    images(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.png")
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.label, found.rows, found.split) == (
        "ImageFolder",
        "classification",
        "class",
        3,
        "",
    )
    assert read(found).names == ("cat", "dog")
    assert "cat, dog" in found.evidence
    assert notes(tmp_path) == []


@pytest.mark.parametrize(
    "beside",
    [
        "docs/notes.txt",
        "runs/mine/notes.txt",
        "@eaDir/cat/1.jpg",
        "__MACOSX/cat/1.jpg",
        ".git/a/1.jpg",
        "cat/.ipynb_checkpoints/1-checkpoint.jpg",
        "cat/@eaDir/1.jpg/SYNOPHOTO_THUMB.jpg",
        "originals/2023/1.jpg",
        "originals/1.png/2023/1.png",
    ],
)
def test_the_detected_classes_and_rows_are_those_of_the_reader_whatever_lies_beside_them(tmp_path, beside):
    images(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/1.png")
    images(tmp_path, beside) if beside.endswith(("jpg", "png")) else write(tmp_path / beside, "x")
    (found,) = detect(tmp_path)
    assert (found.problems, found.rows, found.evidence) == ((), 3, "2 class folders of images (cat, dog)")
    reader = read(found)
    assert (reader.names, len(reader)) == (("cat", "dog"), 3)


@pytest.mark.parametrize("files", [("run.json", "log.jsonl"), ("model.safetensors", "tasks.json")])
def test_what_motet_writes_beside_the_data_is_no_data(tmp_path, files):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg", "runs/mine/shown/1.jpg", "mine/1.jpg")
    for name in files:
        write(tmp_path / "runs" / "mine" / name, {"images": [], "annotations": []})
        write(tmp_path / "mine" / name, {})
    (found,) = detect(tmp_path)
    assert read(found).names == ("cat", "dog")
    assert notes(tmp_path) == []


def test_stored_features_beside_the_data_are_no_data(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg")
    for name in ("store.json", "stamps.json", "part-0.npy", "part-0.json"):
        write(tmp_path / "runs" / "features" / "ab12" / name, {"images": 3})
    assert [one.rows for one in detect(tmp_path)] == [2]
    assert notes(tmp_path) == []


def test_images_in_folders_below_are_asked_about(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg", "fish/2023/1.jpg", "fish/2024/1.jpg", "fish/2024/2.jpg")
    (found,) = detect(tmp_path)
    assert read(found).names == ("cat", "dog")
    assert notes(tmp_path) == [
        "/fish: got 3 images in folders below it, beside class folders; want them in the folder itself if it is a class"
    ]


def test_images_of_another_data_set_beside_the_classes_are_no_class(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg", "photos/a.jpg")
    write(tmp_path / "captions.csv", "image,caption\na.jpg,A dog that runs.\n")
    table, folders = sorted(detect(tmp_path), key=lambda one: one.reader, reverse=True)
    assert (table.reader, table.rows) == ("Table", 1)
    assert read(folders).names == ("cat", "dog")
    assert notes(tmp_path) == []


def test_an_empty_folder_is_mentioned(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "bird").mkdir()
    (line,) = notes(tmp_path)
    assert line == ": got empty folders beside class folders (bird); want files in them if they are classes"


def test_one_class_folder_alone_is_one_line(tmp_path):
    images(tmp_path, "cat/1.jpg", "cat/2.jpg")
    assert detect(tmp_path) == ()
    (line,) = notes(tmp_path)
    assert line == (
        ": got 2 images in one folder alone (cat); want at least two class folders, or annotations that name the images"
    )


def test_folders_of_class_folders_ask_which_are_the_classes(tmp_path):
    images(tmp_path, "animals/cat/1.jpg", "animals/dog/1.jpg", "plants/oak/1.jpg", "plants/rose/1.jpg")
    assert [found.evidence for found in detect(tmp_path)] == [
        "2 class folders of images (cat, dog)",
        "2 class folders of images (oak, rose)",
    ]
    (line,) = notes(tmp_path)
    assert line == (
        ": got class folders within 2 folders (animals, plants), read as 2 tasks; want `motet init --class-level 1` if "
        "animals, plants are the classes of one task, 2 if animals/cat, animals/dog, plants/oak, ... are"
    )


@pytest.mark.parametrize(
    ("level", "classes"), [(1, ("animals", "plants")), (2, ("animals/cat", "animals/dog", "plants/oak"))]
)
@pytest.mark.parametrize("above", ["", "train/"])
def test_the_answer_is_the_level_of_the_classes(tmp_path, level, classes, above):
    images(tmp_path, *(f"{above}{place}" for place in ("animals/cat/1.jpg", "animals/dog/1.jpg", "plants/oak/1.jpg")))
    images(tmp_path, *(["val/plants/oak/9.jpg"] if above else []))
    contents = inspect_folder(tmp_path, class_level=level)
    assert contents.near_misses == ()
    for found in contents.datasets:
        assert found.problems == ()
        assert read(found).names == classes
    assert [(found.split, found.rows) for found in contents.datasets] == (
        [("train", 3), ("val", 1)] if above else [("", 3)]
    )


def test_a_level_without_images_says_so(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg")
    (found,) = inspect_folder(tmp_path, class_level=2).datasets
    assert "class folders: got no images; want root/*/class/image.jpg" in found.problems[0]
    with pytest.raises(ConfigError, match="class-level: got 0"):
        inspect_folder(tmp_path, class_level=0)


def test_splits_share_the_classes_of_training(tmp_path):
    images(tmp_path, *(f"{part}/{kind}/1.jpg" for part, kinds in (("train", "abc"), ("val", "bc")) for kind in kinds))
    write(tmp_path / "train" / "docs" / "a.txt", "x")
    found = {one.split: one for one in detect(tmp_path)}
    assert set(found) == {"train", "val"}
    assert read(found["train"]).names == read(found["val"]).names == ("a", "b", "c")


def test_a_split_with_one_of_the_classes_is_read(tmp_path):
    images(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/b/1.jpg", "test/b/2.jpg")
    found = {one.split: one for one in detect(tmp_path)}
    assert (found["test"].rows, read(found["test"]).names) == (2, ("a", "b"))
    assert read(found["test"])[0].labels["class"] == 1


def test_a_class_that_training_lacks_is_a_problem_and_no_other_label(tmp_path):
    images(tmp_path, *(f"{part}/{kind}/1.jpg" for part, kinds in (("train", "bc"), ("val", "abc")) for kind in kinds))
    found = {one.split: one for one in detect(tmp_path)}
    assert found["train"].rows == 2
    assert "class folder: got 'a'; want one of the given classes" in found["val"].problems[0]


def test_the_splits_of_two_data_sets_side_by_side_share_the_classes_of_their_own_training_split(tmp_path):
    for part, kinds in (("train", "abc"), ("val", "bc")):
        images(tmp_path, *(f"{part}/{name}/{kind}{name}/1.jpg" for name in ("pets", "cars") for kind in kinds))
    found = {one.arguments["root"].relative_to(tmp_path).as_posix(): read(one).names for one in detect(tmp_path)}
    assert found["val/pets"] == found["train/pets"] == ("apets", "bpets", "cpets")
    assert found["val/cars"] == found["train/cars"] == ("acars", "bcars", "ccars")


def test_splits_and_kinds_of_file_are_no_classes(tmp_path):
    images(tmp_path, "train/1.jpg", "val/1.jpg", "train_labels/a.png", "val_labels/a.png")
    assert detect(tmp_path) == ()


def test_class_folders_do_not_hide_other_files(tmp_path):
    images(tmp_path, "cat/1.jpg", "dog/1.jpg")
    coco(tmp_path)
    write(tmp_path / "more.csv", "image,caption\nnone.jpg,A dog.\n")
    problems = [problem for one in detect(tmp_path) for problem in one.problems]
    assert ["more.csv: table: got no folder" in problem for problem in problems] == [True]
