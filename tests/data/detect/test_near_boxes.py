"""Text files nearly in YOLO's form, and XML in other forms."""

import pytest
from user_folders import images, write

from motet.data.detect import inspect_folder


def problem(folder):
    (found,) = inspect_folder(folder).datasets
    return found.reader, found.problems[0]


def miss(folder, ending):
    (found,) = [one for one in inspect_folder(folder).near_misses if one.path.suffix == ending]
    return found


@pytest.mark.parametrize(
    ("line", "got", "want"),
    [
        ("cat .5 .5 .1 .1", "the name of a class first ('cat .5 .5 .1 .1')", "its number in data.yaml or classes.txt"),
        (
            "0.9 40 30 20 10",
            "5 numbers per line, but no class first ('0.9 40 30 20 10')",
            "a class number and four shares",
        ),
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


@pytest.mark.parametrize("line", ["0 40 30 20 10", "40 30 20 10"])
def test_labels_in_pixels_are_a_problem(tmp_path, line):
    for index in range(3):
        images(tmp_path, f"images/train/{index}.jpg")
        write(tmp_path / "labels" / "train" / f"{index}.txt", f"{line}\n")
    write(tmp_path / "data.yaml", "names: [cat]\n")
    where = tmp_path / "labels/train/0.txt"
    want = "want shares of the image's width and height from 0 to 1, not pixels"
    assert problem(tmp_path) == ("YoloLabels", f"{where}, line 0: got {line}; {want}")


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("0 40 30 20 10", "boxes in pixels ('0 40 30 20 10')"),
        ("40 30 20 10", "4 numbers per line ('40 30 20 10')"),
    ],
)
def test_numbers_that_may_be_no_boxes_are_named(tmp_path, line, got):
    images(tmp_path, "pictures/1.jpg")
    write(tmp_path / "numbers" / "1.txt", f"{line}\n")
    found = miss(tmp_path, ".txt")
    assert (found.got, found.format) == (got, "YOLO boxes")


def test_numbers_without_an_image_of_their_name_are_no_boxes(tmp_path):
    images(tmp_path, "a.jpg")
    write(tmp_path / "b.txt", "0 40 30 20 10\n")
    write(tmp_path / "requirements.txt", "numpy\n")
    assert [one.path for one in inspect_folder(tmp_path).near_misses] == [tmp_path]


def test_an_xml_of_cvat_without_sizes_is_a_problem(tmp_path):
    write(tmp_path / "a.xml", "<?xml version='1.0'?>\n<annotations><meta><job/></meta><image id='0'/></annotations>")
    reader, line = problem(tmp_path)
    assert reader == "Cvat"
    assert line.startswith("height: got ''; want a number")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<svg:svg xmlns:svg='x'/>", "got XML of <svg:svg>; want Pascal VOC's XML, if it is about images"),
        ("nothing", "got no XML element; want Pascal VOC's XML, if it is about images"),
    ],
)
def test_xml_is_named_by_its_root(tmp_path, text, line):
    write(tmp_path / "a.xml", text)
    assert str(miss(tmp_path, ".xml")) == f"{tmp_path / 'a.xml'}: {line}"
