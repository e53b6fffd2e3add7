"""The lists of keys, and classes; the readers' tests have the boxes."""

import pytest

from motet.core import DataError
from motet.data.formats.voc_xml import (
    VocAnnotation,
    VocObject,
    has_boxes,
    read_voc_list,
    read_voc_xml,
    voc_names,
)

CAR = VocObject("car", (0, 0, 2, 2), False)
HARD = VocObject("bus", (0, 0, 2, 2), True)


def test_classes_are_those_of_all_that_can_be_read(tmp_path):
    one = VocAnnotation("", None, (CAR, HARD))
    assert voc_names([one, DataError("XML: got nothing")], tmp_path) == ("bus", "car")
    with pytest.raises(DataError, match="names: got no object in any annotation"):
        voc_names([VocAnnotation("", None, ())], tmp_path)


def test_what_counts_as_an_image_with_boxes():
    hard = VocAnnotation("", None, (HARD,))
    assert has_boxes(hard, "keep")
    assert has_boxes(DataError("XML: got nothing"), "leave out")
    assert not has_boxes(hard, "leave out")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a b c\n", "got 'a b c'; want the name of an image"),
        ("a\na\n", "got 'a' twice"),
        ("../a\n", "want a file inside"),
    ],
)
def test_a_wrong_list_is_an_error(tmp_path, write, lines, message):
    with pytest.raises(DataError, match=message):
        read_voc_list(write(tmp_path / "train.txt", lines), tmp_path)


@pytest.mark.parametrize(("text", "difficult"), [("", False), ("0", False), (" 1 ", True)])
def test_difficult_may_be_empty_and_a_size_unknown(tmp_path, write, text, difficult):
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>"
    thing = f"<object><name>car</name><difficult>{text}</difficult>{box}</object>"
    size = "<size><width>0</width><height>0</height></size>"
    found = read_voc_xml(write(tmp_path / "a.xml", f"<annotation>{size}{thing}</annotation>"))
    assert (found.objects[0].difficult, found.size_hw) == (difficult, None)
