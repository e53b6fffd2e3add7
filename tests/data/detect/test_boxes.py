"""Pascal VOC and YOLO folders as they lie, and what is near one."""

import json

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
    assert [found[0] for found in seen(tmp_path)] == ["VocSegmentation", "PascalVoc", "ImageFolder"]


def test_a_broken_annotation_says_nothing_about_the_others(tmp_path):
    voc(tmp_path, keys=("a", "b"))
    text(tmp_path / "Annotations" / "a.xml", "<annotation>")
    (found,) = detect(tmp_path)
    assert (found.rows, found.problems) == (2, ())  # `data check` names the row


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
    assert "no folder with an image named 9" in problems["b"][0]


@pytest.mark.parametrize("content", ["words that are five here\n", "0 120 40 60 30\n", "0 0.5 0.5 0.5\n", "\n"])
def test_other_text_files_are_no_boxes(tmp_path, content):
    image(tmp_path / "images" / "1.jpg")
    text(tmp_path / "labels" / "1.txt", content)
    text(tmp_path / "data.yaml", "names: [cat]\n")
    assert detect(tmp_path) == ()


def coco(path, images, annotations, names=("cat", "dog")):
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(names)]
    text(path, json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def test_coco_boxes_with_captions_of_the_same_images(tmp_path):
    image(tmp_path / "train2017" / "000000000009.jpg")
    images = [{"id": 9, "file_name": "000000000009.jpg"}]
    box = {"id": 1, "image_id": 9, "category_id": 1, "bbox": [1, 1, 5, 5]}
    coco(tmp_path / "annotations" / "instances_train2017.json", images, [box])
    coco(tmp_path / "annotations" / "person_keypoints_train2017.json", images, [{**box, "keypoints": [0, 0, 0]}])
    text(
        tmp_path / "annotations" / "captions_train2017.json",
        json.dumps({"images": images, "annotations": [{"id": 1, "image_id": 9, "caption": "A cat."}]}),
    )
    assert seen(tmp_path) == [
        ("CocoCaptions", "captioning", "captions", "train", 1),
        ("CocoInstances", "detection", "boxes", "train", 1),
    ]
    keys = [READERS[found.reader](**found.arguments).keys(0) for found in detect(tmp_path)]
    assert keys == [("coco/9",), ("coco/9",)]


def test_keypoints_count_where_nothing_else_has_boxes(tmp_path):
    image(tmp_path / "cats" / "images" / "tom.jpg")
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 50, 5], "keypoints": []}
    coco(tmp_path / "cats" / "own.json", [{"id": 1, "file_name": "tom.jpg"}], [box])
    (found,) = detect(tmp_path)
    reader = READERS[found.reader](**found.arguments)
    assert (found.reader, reader.keys(0)) == ("CocoInstances", ("cats/1",))
    assert reader[0].labels["boxes"].boxes_xyxy.tolist() == [[1, 1, 12, 6]]  # cut at the border


def test_boxes_whose_images_or_end_are_missing_are_told(tmp_path):
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}
    coco(tmp_path / "val.json", [{"id": 1, "file_name": "tom.jpg"}], [box])
    (found,) = detect(tmp_path)
    assert (found.split, found.rows) == ("val", 0)
    assert "no folder with the image tom.jpg" in found.problems[0]
    whole = (tmp_path / "val.json").read_text()
    (tmp_path / "val.json").write_text(whole[:-3])
    (found,) = detect(tmp_path)
    assert (found.reader, found.kind) == ("CocoInstances", "detection")
    assert "JSON: got" in found.problems[0]


def test_visual_genome_objects_with_attributes(tmp_path):
    image(tmp_path / "VG_100K" / "7.jpg")
    thing = {"object_id": 1, "names": ["cat"], "x": 1, "y": 1, "w": 5, "h": 5}
    text(tmp_path / "objects.json", json.dumps([{"image_id": 7, "objects": [thing]}]))
    given = [{"image_id": 7, "attributes": [{**thing, "attributes": ["red"]}]}]
    text(tmp_path / "attributes.json", json.dumps(given))
    text(
        tmp_path / "image_data.json", json.dumps([{"image_id": 7, "coco_id": 99, "url": "", "width": 12, "height": 10}])
    )
    (found,) = detect(tmp_path)
    reader = READERS[found.reader](**found.arguments)
    assert (found.reader, found.kind, found.problems) == ("VisualGenomeObjects", "detection", ())
    assert (reader.names, reader.attribute_names, reader.keys(0)) == (("cat",), ("red",), ("coco/99",))
    assert reader[0].labels["boxes"].attributes == ((0,),)
    (tmp_path / "attributes.json").unlink()
    (found,) = detect(tmp_path)
    assert READERS[found.reader](**found.arguments).attribute_names == ()


def test_yolo_labels_are_found_whose_names_are_spelled_alike(tmp_path):
    (tmp_path / "labels").mkdir()
    for name, label in (("IMG_1.PNG", "img_1"), ("cafe\u0301.png", "caf\u00e9")):
        image(tmp_path / "images" / name)
        (tmp_path / f"labels/{label}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "labels/classes.txt").write_text("nut\n")
    (found,) = detect(tmp_path)
    assert (found.reader, found.rows, found.problems) == ("YoloLabels", 2, ())
