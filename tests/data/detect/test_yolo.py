"""YOLO labels in their usual folders, in their several forms, and what is near them."""

import pytest
from user_folders import image, read, write

from motet.data.detect import detect, inspect_folder

YOLO = [
    ("images/train/{}.jpg", "labels/train/{}.txt", "data.yaml", "names: [cat, dog]\n"),
    ("train/images/{}.jpg", "train/labels/{}.txt", "data.yaml", "nc: 2\nnames:\n  0: cat\n  1: dog\n"),
    ("train2017/{}.jpg", "labels/train2017/{}.txt", "coco.names", "cat\ndog\n"),
    ("train/{}.jpg", "train/{}.txt", "train/classes.txt", "cat\ndog\n"),
]


@pytest.mark.parametrize(("images", "labels", "names", "content"), YOLO)
def test_yolo_in_its_usual_folders(tmp_path, images, labels, names, content):
    for key, line in (("1", "0 0.5 0.5 0.5 0.5\n"), ("2", ""), ("3", "1 0.1 0.1 0.9 0.1 0.9 0.9\n")):
        image(tmp_path / images.format(key))
        write(tmp_path / labels.format(key), line)
    write(tmp_path / names, content)
    # Masks of the same pictures lie nearer to the labels than the pictures do.
    image(tmp_path / "labels_of_another_kind" / "1.png")
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind, found.split, found.rows, found.problems) == (
        "YoloLabels",
        "detection",
        "train",
        3,
        (),
    )
    reader = read(found)
    assert reader.names == ("cat", "dog")
    assert reader[0].images[0].path == tmp_path / images.format("1")
    assert [len(reader[row].labels["boxes"].labels) for row in range(3)] == [1, 0, 1]


def test_yolo_without_names_or_images_says_what_is_missing(tmp_path):
    image(tmp_path / "a" / "images" / "1.jpg")
    write(tmp_path / "a" / "labels" / "1.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "a" / "hyp.yaml", "lr0: 0.01\n")
    write(tmp_path / "b" / "labels" / "9.txt", "0 0.5 0.5 0.5 0.5\n")
    problems = {found.arguments["labels"].parent.name: found.problems for found in detect(tmp_path)}
    assert "want data.yaml or classes.txt" in problems["a"][0]
    assert "no folder with the image 9" in problems["b"][0]


@pytest.mark.parametrize("content", ["words that are five here\n", "\n", "0.5 0.5 0.5 0.5 0.5\n"])
def test_other_text_files_are_no_boxes(tmp_path, content):
    folder(tmp_path, content)
    assert detect(tmp_path) == ()


@pytest.mark.parametrize("content", ["0 120 40 60 30\n", "0 0.5 0.5 0.5\n"])
def test_numbers_of_files_without_images_or_names_are_no_labels(tmp_path, content):
    write(tmp_path / "poses" / "1.txt", content)
    image(tmp_path / "pictures" / "1.jpg")
    assert detect(tmp_path) == ()


def folder(root, *contents, names="names: [cat, dog]\n"):
    """Writes images and label files of these contents."""
    for number, content in enumerate(contents):
        image(root / "images" / f"{number}.jpg")
        write(root / "labels" / f"{number}.txt", content)
    write(root / "data.yaml", names)


TRIPLES = " 0.4 0.4 2" * 3
PAIRS = " 0.4 0.4" * 3


@pytest.mark.parametrize(
    ("line", "names", "word", "values"),
    [
        ("0 0.5 0.5 0.5 0.5", "names: [cat]\n", "YOLO boxes", None),
        ("0.0 0.5 0.5 0.5 0.5", "names: [cat]\n", "YOLO boxes", None),
        ("0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75", "names: [cat]\n", "oriented boxes (OBB)", None),
        ("0 0.25 0.25 0.75 0.25 0.75 0.75", "names: [cat]\n", "segmentation labels (polygons)", None),
        (f"0 0.5 0.5 0.5 0.5{TRIPLES}", "names: [cat]\nkpt_shape: [3, 3]\n", "pose labels", 9),
        (f"0 0.5 0.5 0.5 0.5{PAIRS}", "names: [cat]\nkpt_shape: [3, 2]\n", "pose labels", 6),
        (f"0 0.5 0.5 0.5 0.5{TRIPLES}", "names: [cat]\n", "pose labels", 9),
    ],
)
def test_the_form_of_labels_is_named_and_their_boxes_are_read(tmp_path, line, names, word, values):
    folder(tmp_path, f"{line}\n", f"{line}\n{line}\n", names=names)
    (found,) = detect(tmp_path)
    assert word in found.evidence
    assert (found.arguments.get("keypoint_values"), found.problems) == (values, ())
    assert read(found)[1].labels["boxes"].boxes_xyxy.tolist() == [[3, 2.5, 9, 7.5]] * 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "0 120 40 60 30\n",
            "0.txt, line 0: got 0 120 40 60 30; want shares of the image's width and height from 0 to 1",
        ),
        ("0 0.5 0.5 0.5\n", "0.txt, line 0: got 0 0.5 0.5 0.5, 4 numbers; want 5 (class, "),
        ("0 0.5 0.5 0.5 0.5 0.9\n", "6 numbers; want 5"),
    ],
)
def test_labels_of_no_known_form_are_a_problem_with_their_line(tmp_path, content, problem):
    folder(tmp_path, content, content)
    (found,) = detect(tmp_path)
    assert problem in found.problems[0]
    assert "labels/0.txt" in found.problems[0]


@pytest.mark.parametrize("wrong", ["0 40 30 20 10\n", "0 0.5 0.5\n", "a line of five words\n"])
@pytest.mark.parametrize("place", [0, 29])
def test_one_wrong_file_among_many_is_noted_and_the_others_are_read(tmp_path, wrong, place):
    folder(tmp_path, *(wrong if number == place else "0 0.5 0.5 0.3 0.3\n" for number in range(30)))
    (found,) = detect(tmp_path)
    assert (found.problems, found.rows) == ((), 30)
    assert "1 of 30 rows cannot be read, the first: number" in found.evidence
    assert f"{place}.txt, row 0" in found.evidence


def test_boxes_cut_at_the_border_are_noted_and_many_are_a_problem(tmp_path):
    good, cut = "0 0.5 0.5 0.5 0.5\n", "0 0.9 0.5 0.5 0.5\n"
    folder(tmp_path, good * 30, cut)
    (found,) = detect(tmp_path)
    assert "of 31 boxes 1 cut at the border of the image" in found.evidence
    assert found.problems == ()
    folder(tmp_path, good, cut)
    (found,) = detect(tmp_path)
    assert "got 1 of 2 that pass the border" in found.problems[0]
    assert "1.txt, row 0" in found.problems[0]


def test_text_files_beside_the_labels_that_are_called_like_no_image_do_not_count(tmp_path):
    folder(tmp_path, "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "labels" / "README.txt", "made by hand\n")
    write(tmp_path / "labels" / "train.txt", "images/0.jpg\n")
    (found,) = detect(tmp_path)
    assert (found.reader, found.problems) == ("YoloLabels", ())


def test_labels_of_darknet_beside_their_images(tmp_path):
    image(tmp_path / "train" / "0.jpg")
    write(tmp_path / "train" / "0.txt", "1 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "train" / "_darknet.labels", "cat\ndog\n")
    (found,) = detect(tmp_path)
    assert (found.split, read(found).names, found.problems) == ("train", ("cat", "dog"), ())


def test_yolo_labels_of_a_split_go_with_the_images_of_that_split(tmp_path):
    for split in ("train", "valid"):
        image(tmp_path / f"pictures_{split}" / "1.jpg")
        write(tmp_path / "yolo" / split / "1.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "yolo" / "classes.txt", "cat\n")
    found = {one.split: one.arguments["images"].name for one in detect(tmp_path)}
    assert found == {"train": "pictures_train", "val": "pictures_valid"}


def test_labels_whose_images_are_not_there_do_not_get_those_of_another_split(tmp_path):
    image(tmp_path / "images" / "train" / "1.jpg")
    for split in ("train", "val"):
        write(tmp_path / "labels" / split / "1.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "data.yaml", "names: [cat]\n")
    problems = {one.split: one.problems for one in detect(tmp_path)}
    assert problems["train"] == ()
    assert "want a folder of its own split (val)" in problems["val"][0]


@pytest.mark.parametrize("place", ["", "data/"])
def test_lists_of_darknet_make_splits(tmp_path, place):
    for number in range(3):
        image(tmp_path / "data" / "obj" / f"{number}.jpg")
        write(tmp_path / "data" / "obj" / f"{number}.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "data" / "obj.names", "cat\n")
    write(tmp_path / f"{place}train.txt", "data/obj/0.jpg\ndata/obj/2.jpg\n")
    write(tmp_path / f"{place}test.txt", "data/obj/1.jpg\n")
    assert [(one.split, one.rows, one.problems) for one in detect(tmp_path)] == [("test", 1, ()), ("train", 2, ())]


def test_labels_are_found_whose_names_are_spelled_alike(tmp_path):
    (tmp_path / "labels").mkdir()
    for name, label in (("IMG_1.PNG", "img_1"), ("cafe\u0301.png", "caf\u00e9")):
        image(tmp_path / "images" / name)
        (tmp_path / f"labels/{label}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "labels/classes.txt").write_text("nut\n")
    (found,) = detect(tmp_path)
    assert (found.reader, found.rows, found.problems) == ("YoloLabels", 2, ())


def test_lists_of_darknet_say_more_than_the_name_of_the_folder(tmp_path):
    for number in range(3):
        image(tmp_path / "obj_train_data" / f"{number}.jpg")
        write(tmp_path / "obj_train_data" / f"{number}.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "obj.names", "cat\n")
    write(tmp_path / "train.txt", "data/obj_train_data/0.jpg\ndata/obj_train_data/2.jpg\n")
    write(tmp_path / "valid.txt", "/data/obj_train_data/1.jpg\n")
    contents = inspect_folder(tmp_path)
    assert [(one.split, one.rows) for one in contents.datasets] == [("train", 2), ("val", 1)]
    assert contents.near_misses == ()


def test_a_list_of_another_split_that_numbers_its_images_alike_is_not_that_of_the_folder(tmp_path):
    for split, count in (("train2017", 3), ("val2017", 2)):
        for number in range(count):
            image(tmp_path / "images" / split / f"{number}.jpg")
            write(tmp_path / "labels" / split / f"{number}.txt", "0 0.5 0.5 0.5 0.5\n")
        write(tmp_path / f"{split}.txt", "".join(f"./images/{split}/{number}.jpg\n" for number in range(count)))
    write(tmp_path / "coco.yaml", "names: [cat]\n")
    contents = inspect_folder(tmp_path)
    assert sorted((one.split, one.rows, one.arguments["images"].name) for one in contents.datasets) == [
        ("train", 3, "train2017"), ("val", 2, "val2017"),
    ]  # fmt: skip
    assert contents.near_misses == ()


def test_the_file_in_which_label_studio_repeats_the_names_is_of_the_labels(tmp_path):
    image(tmp_path / "images" / "0.jpg")
    write(tmp_path / "labels" / "0.txt", "0 0.5 0.5 0.5 0.5\n")
    write(tmp_path / "classes.txt", "cat\n")
    write(tmp_path / "notes.json", {"categories": [{"id": 0, "name": "cat"}], "info": {"version": "1.0"}})
    contents = inspect_folder(tmp_path)
    assert ([one.rows for one in contents.datasets], contents.near_misses) == ([1], ())
