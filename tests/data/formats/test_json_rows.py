"""Rows of JSON: a list, a list under a key, a row per line."""

import pytest

from motet.core import DataError
from motet.data.formats.json_rows import json_rows

ROWS = [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "content", [ROWS, {"data": ROWS}, {"info": {}, "annotations": ROWS, "n": [1]}, '{"a": 1}\n{"a": 2}\n']
)
def test_rows_are_a_list_or_the_only_list_or_lines(tmp_path, write, content):
    assert list(json_rows(write(tmp_path / "t.json", content))) == ROWS


def test_of_several_lists_one_must_be_named(tmp_path, write):
    path = write(tmp_path / "t.json", {"train": ROWS, "test": ROWS[:1]})
    assert list(json_rows(path, key="test")) == ROWS[:1]
    with pytest.raises(DataError, match=r"got an object with the lists 'train', 'test'; want a list of rows, or key="):
        list(json_rows(path))
    with pytest.raises(DataError, match=r"key 'tset': got no list of objects; want one .*'test'"):
        list(json_rows(path, key="tset"))
    with pytest.raises(DataError, match=r"got an object with no list of objects"):
        list(json_rows(write(tmp_path / "s.json", {"a": 1})))
