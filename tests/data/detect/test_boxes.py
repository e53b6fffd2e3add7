"""Pascal VOC and YOLO folders as they lie, and what is near one."""

import pytest
from PIL import Image

from motet.data.detect import detect
from motet.data.readers import READERS

XML = """<annotation><filename>{key}.jpg</filename><size><width>12</width><height>10</height></size>
<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>8</xmax><ymax>9</ymax></bndbox></object></annotation>
"""


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 10)).save(path)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def seen(root):
    return [(found.reader, found.kind, found.label, found.split, found.rows) for found in detect(root)]


def voc(root, keys=("a", "b", "c")):
    for place, key in enumerate(keys):
        image(root / "JPEGImages" / f"{key}.jpg")
        text(root / "Annotations" / f"{key}.xml", XML.format(key=key, name=("cat", "dog")[place % 2]))


def lists(root, **parts):
    for part, keys in parts.items():
        text(root / "ImageSets" / "Main" / f"{part}.txt", "\n".join(keys) + "\n")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({}, [("", 3)]),
        ({"train": "a", "val": "b", "trainval": "ab", "test": "c"}, [("train", 1), ("val", 1), ("test", 1)]),
        ({"trainval": "ab", "val": "b", "test": "c"}, [("", 2), ("test", 1)]),
        ({"val": "b", "cat_val": "b"}, [("", 3)]),
    ],
)
def test_voc_is_read_in_the_parts_it_lists(tmp_path, parts, found):
    voc(tmp_path / "VOC2007")
    lists(tmp_path / "VOC2007", **parts)
    assert seen(tmp_path) == [("PascalVoc", "detection", "boxes", part, rows) for part, rows in found]
    first = detect(tmp_path)[0]
    assert READERS[first.reader](**first.arguments).names == ("cat", "dog")


def test_the_folders_of_voc_are_no_classes_and_others_beside_them_still_are(tmp_path):
    voc(tmp_path)
    for place in ("SegmentationClass/a.png", "SegmentationObject/a.png", "kinds/cat/1.jpg", "kinds/dog/1.jpg"):
        image(tmp_path / place)
    assert [found[0] for found in seen(tmp_path)] == ["PascalVoc", "ImageFolder"]


def test_a_broken_annotation_is_told(tmp_path):
    voc(tmp_path, keys=("a", "b"))
    text(tmp_path / "Annotations" / "a.xml", "<annotation>")
    (found,) = detect(tmp_path)
    assert found.rows == 0
    assert "a.xml" in found.problems[0]


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
        text(tmp_path / labels.format(key), line)
    text(tmp_path / names, content)
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
    reader = READERS[found.reader](**found.arguments)
    assert reader.names == ("cat", "dog")
    assert reader[0].images[0].path == tmp_path / images.format("1")
    assert [len(reader[row].labels["boxes"].labels) for row in range(3)] == [1, 0, 1]


def test_yolo_without_names_or_images_says_what_is_missing(tmp_path):
    image(tmp_path / "a" / "images" / "1.jpg")
    text(tmp_path / "a" / "labels" / "1.txt", "0 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "a" / "hyp.yaml", "lr0: 0.01\n")
    text(tmp_path / "b" / "labels" / "9.txt", "0 0.5 0.5 0.5 0.5\n")
    problems = {found.arguments["labels"].parent.name: found.problems for found in detect(tmp_path)}
    assert "want data.yaml or classes.txt" in problems["a"][0]
    assert "no folder with the image 9" in problems["b"][0]


@pytest.mark.parametrize("content", ["words that are five here\n", "0 120 40 60 30\n", "0 0.5 0.5 0.5\n", "\n"])
def test_other_text_files_are_no_boxes(tmp_path, content):
    image(tmp_path / "images" / "1.jpg")
    text(tmp_path / "labels" / "1.txt", content)
    text(tmp_path / "data.yaml", "names: [cat]\n")
    assert detect(tmp_path) == ()


def test_yolo_labels_of_a_split_go_with_the_images_of_that_split(tmp_path):
    for split in ("train", "valid"):
        image(tmp_path / f"pictures_{split}" / "1.jpg")
        text(tmp_path / "yolo" / split / "1.txt", "0 0.5 0.5 0.5 0.5\n")
    text(tmp_path / "yolo" / "classes.txt", "cat\n")
    found = {one.split: one.arguments["images"].name for one in detect(tmp_path)}
    assert found == {"train": "pictures_train", "val": "pictures_valid"}
