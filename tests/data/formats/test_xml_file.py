import pytest

from motet.core import DataError
from motet.data.formats.xml_file import integer_at, load_xml, number_at, text_at

XML = "<annotation><name> dog </name><box><x>1.0</x><y>2.5</y><z>one</z><n>nan</n></box><empty/></annotation>"


def test_values_are_read_with_their_types(tmp_path, write):
    path = write(tmp_path / "a.xml", XML)
    root = load_xml(path, "annotation")
    assert text_at(root, "name", path=path) == "dog"
    assert (number_at(root, "box/y", path=path), integer_at(root, "box/x", path=path)) == (2.5, 1)


@pytest.mark.parametrize(
    ("read", "place", "message"),
    [
        (text_at, "size", "element <size>: got none, or an empty one; want a text in it"),
        (text_at, "empty", "element <empty>: got none, or an empty one"),
        (number_at, "box/z", "<box/z>: got 'one'; want a number"),
        (integer_at, "box/y", "<box/y>: got 2.5; want a whole number"),
        (integer_at, "box/n", "<box/n>: got nan; want a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_its_row(tmp_path, write, read, place, message):
    path = write(tmp_path / "a.xml", XML)
    with pytest.raises(DataError, match=rf"{message}.*a.xml, row 3\)"):
        read(load_xml(path, "annotation"), place, path=path, row=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<size/>", "XML: got the element <size>; want <annotation>"),
        ("<annotation>", "XML: got no element found: line 1, column 12; want a whole document"),
        ('<?xml version="1.0" encoding="none"?><annotation/>', "XML: got .*; want"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', r"XML: got a document type \(a\)"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        load_xml(write(tmp_path / "a.xml", content), "annotation")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_too_large_is_not_parsed(tmp_path, write):
    with pytest.raises(DataError, match=r"file: got \d+ bytes; want at most 20"):
        load_xml(write(tmp_path / "a.xml", XML), "annotation", max_bytes=20)
