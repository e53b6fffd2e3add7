"""XML in the form of Pascal VOC: its own folders, and all others that people have."""

import pytest
from user_folders import image, read, summaries, write

from motet.data.detect import detect

XML = """<annotation><folder>x</folder><filename>{file}</filename><size><width>12</width><height>10</height></size>
<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>8</xmax><ymax>9</ymax></bndbox></object></annotation>
"""


def voc(root, keys=("a", "b", "c")):
    for place, key in enumerate(keys):
        image(root / "JPEGImages" / f"{key}.jpg")
        write(root / "Annotations" / f"{key}.xml", XML.format(file=f"{key}.jpg", name=("cat", "dog")[place % 2]))


def lists(root, **parts):
    for part, keys in parts.items():
        write(root / "ImageSets" / "Main" / f"{part}.txt", "\n".join(keys) + "\n")


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
    assert summaries(tmp_path) == [("PascalVoc", "detection", "boxes", part, rows) for part, rows in found]
    first = detect(tmp_path)[0]
    assert read(first).names == ("cat", "dog")


def test_the_folders_of_voc_are_no_classes_and_others_beside_them_still_are(tmp_path):
    voc(tmp_path)
    for place in ("SegmentationClass/a.png", "SegmentationObject/a.png", "kinds/cat/1.jpg", "kinds/dog/1.jpg"):
        image(tmp_path / place)
    assert [found[0] for found in summaries(tmp_path)] == ["VocSegmentation", "PascalVoc", "ImageFolder"]


def test_a_broken_annotation_is_told(tmp_path):
    voc(tmp_path, keys=("a", "b"))
    write(tmp_path / "Annotations" / "a.xml", "<annotation>")
    (found,) = detect(tmp_path)
    assert found.rows == 0
    assert "a.xml" in found.problems[0]


def xml(path, name="cat", file=""):
    write(path.with_suffix(".xml"), XML.format(file=file or f"{path.name}.png", name=name))


LAYOUTS = [
    ("images/{}", "annotations/{}"),
    ("JPEGIMAGES/{}", "ANNOTATIONS/{}"),
    ("images/{}", "annots/{}"),
    ("images/{}", "labels/{}"),
    ("{}", "{}"),
    ("pictures/{}", "pictures/{}"),
    ("{}", "xml/{}"),
]


@pytest.mark.parametrize(("pictures", "annotations"), LAYOUTS)
def test_xml_with_images_wherever_it_lies(tmp_path, pictures, annotations):
    for number in range(3):
        image(tmp_path / pictures.format(f"road{number}.png"))
        xml(tmp_path / annotations.format(f"road{number}"), ("cat", "dog")[number % 2])
    (found,) = detect(tmp_path)
    assert (found.reader, found.split, found.rows, found.problems) == ("VocXml", "", 3, ())
    assert (read(found).names, read(found)[2].images[0].path.name) == (("cat", "dog"), "road2.png")


SPLITS = [("{}/{}", "{}/{}"), ("images/{}/{}", "annotations/{}/{}"), ("{}/images/{}", "{}/annotations/{}")]


@pytest.mark.parametrize(("pictures", "annotations"), SPLITS)
def test_splits_have_their_own_images_and_all_classes(tmp_path, pictures, annotations):
    for shade, (split, name) in enumerate((("train", "cat"), ("valid", "dog"), ("test", "cat"))):
        image(tmp_path / pictures.format(split, "1.png"), shade=100 * shade)
        xml(tmp_path / annotations.format(split, "1"), name)
    found = detect(tmp_path)
    assert sorted((one.reader, one.split, one.rows) for one in found) == [
        ("VocXml", "test", 1),
        ("VocXml", "train", 1),
        ("VocXml", "val", 1),
    ]
    assert {read(one).names for one in found} == {("cat", "dog")}
    assert len({read(one).keys(0) for one in found}) == 3
    assert {one.split for one in found if {"train": "train", "val": "valid", "test": "test"}[one.split] in
            read(one)[0].images[0].path.relative_to(tmp_path).parts} == {"train", "val", "test"}  # fmt: skip


@pytest.mark.parametrize("place", ["ImageSets/Main", "ImageSets", "."])
def test_lists_make_splits_of_other_folders(tmp_path, place):
    for number in range(3):
        image(tmp_path / "images" / f"{number}.png")
        xml(tmp_path / "annotations" / f"{number}")
    for split, lines in (("train", "0\n1\n"), ("val", "2\n")):
        write(tmp_path / place / f"{split}.txt", lines)
    assert [(one.split, one.rows) for one in detect(tmp_path)] == [("train", 2), ("val", 1)]


def test_images_that_only_the_xml_names(tmp_path):
    image(tmp_path / "images" / "a.png")
    xml(tmp_path / "annotations" / "0001", file="C:\\data\\a.png")
    (found,) = detect(tmp_path)
    assert read(found)[0].images[0].path == tmp_path / "images" / "a.png"


def test_missing_images_are_a_problem_and_other_xml_is_none(tmp_path):
    xml(tmp_path / "annotations" / "a")
    write(tmp_path / "other" / "b.xml", "<settings><annotations/></settings>")
    (found,) = detect(tmp_path)
    assert "annotations: got no folder with the image a" in found.problems[0]


def test_a_broken_file_among_many_is_noted(tmp_path):
    for number in range(9):
        image(tmp_path / "images" / f"{number}.png")
        xml(tmp_path / "images" / f"{number}")
    write(tmp_path / "images" / "0.xml", "<annotation>")
    (found,) = detect(tmp_path)
    assert (found.rows, found.problems) == (9, ())
    assert "1 of 9 rows cannot be read, the first: XML: got" in found.evidence
