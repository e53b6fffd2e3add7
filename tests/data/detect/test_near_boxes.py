"""Text files nearly in YOLO's form, and XML in other forms."""

import pytest
from user_folders import images, write

from motet.data.detect import inspect_folder


def miss(folder, ending):
    (found,) = [one for one in inspect_folder(folder).near_misses if one.path.suffix == ending]
    return found


@pytest.mark.parametrize(
    ("line", "got", "want"),
    [
        ("0 40 30 20 10", "boxes in pixels ('0 40 30 20 10')", "shares of the image's width and height from 0 to 1"),
        ("cat .5 .5 .1 .1", "the name of a class first ('cat .5 .5 .1 .1')", "its number in data.yaml or classes.txt"),
        (
            "0.9 40 30 20 10",
            "5 numbers per line, but no class first ('0.9 40 30 20 10')",
            "a class number and four shares",
        ),
        ("40 30 20 10", "4 numbers per line ('40 30 20 10')", "a class number and four shares"),
    ],
)
def test_labels_that_are_nearly_yolo_are_named_with_what_is_wrong(tmp_path, line, got, want):
    for index in range(3):
        images(tmp_path, f"images/train/{index}.jpg")
        write(tmp_path / "labels" / "train" / f"{index}.txt", f"{line}\n")
    write(tmp_path / "data.yaml", "names: [cat]\n")
    found = miss(tmp_path, ".txt")
    assert (found.path, found.more, found.format) == (tmp_path / "labels/train/0.txt", 2, "YOLO boxes")
    assert found.got == got
    assert found.want.startswith(want)


def test_numbers_without_an_image_of_their_name_are_no_boxes(tmp_path):
    images(tmp_path, "a.jpg")
    write(tmp_path / "b.txt", "0 40 30 20 10\n")
    write(tmp_path / "requirements.txt", "numpy\n")
    assert [one.path for one in inspect_folder(tmp_path).near_misses] == [tmp_path]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "<?xml version='1.0'?>\n<annotations><meta><job/></meta><image id='0'/></annotations>",
            "CVAT: got XML of CVAT; want an export as COCO, YOLO or Pascal VOC",
        ),
        ("<svg:svg xmlns:svg='x'/>", "got XML of <svg:svg>; want Pascal VOC's XML, if it is about images"),
        ("nothing", "got no XML element; want Pascal VOC's XML, if it is about images"),
    ],
)
def test_xml_is_named_by_its_root(tmp_path, text, line):
    write(tmp_path / "a.xml", text)
    assert str(miss(tmp_path, ".xml")) == f"{tmp_path / 'a.xml'}: {line}"
