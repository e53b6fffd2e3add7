"""The classes of a COCO file: each name once, and none that only groups others."""

from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.coco_categories import read_categories

HERE = Path("boxes.json")


def categories(*entries, used=()):
    listed = [{"id": key, "name": name, "supercategory": above} for key, name, above in entries]
    return read_categories({"categories": listed, "annotations": [{"category_id": key} for key in used]}, HERE)


@pytest.mark.parametrize(
    ("entries", "used", "names", "numbers"),
    [
        ([(3, "car", "vehicle"), (1, "person", "person")], (), ("person", "car"), (1, 3)),
        ([(0, "ships", "none"), (1, "boat", "ships"), (2, "ferry", "ships")], (1,), ("boat", "ferry"), (1, 2)),
        ([(0, "ships", "none"), (1, "boat", "ships")], (0, 1), ("ships", "boat"), (0, 1)),
        ([(0, "boat", "none"), (1, "boat", "boat")], (1,), ("boat",), (1,)),
        ([(0, "boat", ""), (1, "boat", "")], (0, 1.0), ("boat",), (0,)),
        ([(1, "boat", None), (1, "boat", None)], ("1",), ("boat",), (1,)),
        ([(1, 0, None), (2, 1, None)], (), ("0", "1"), (1, 2)),
        ([("b", "boat", None), ("a", "ferry", None)], ("b",), ("ferry", "boat"), (1, 2)),
    ],
)
def test_classes_are_what_boxes_have(entries, used, names, numbers):
    found = categories(*entries, used=used)
    assert (found.names, found.numbers(found.names)) == (names, numbers)


def test_a_name_that_the_file_lacks_has_no_number():
    assert categories((4, "car", None)).numbers(("car", "bus")) == (4, -1)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([(1, "car", None), (1, "bus", None)], r"got 1 'bus' after 1 'car'; want every id once \(boxes.json, row 1\)"),
        ([(1, " ", None)], r"name: got an empty text; .*row 0\)"),
        ([(None, "car", None)], "id: got None"),
        ([], "categories: got none"),
    ],
)
def test_wrong_categories_are_an_error(entries, message):
    with pytest.raises(DataError, match=message):
        categories(*entries)


@pytest.mark.parametrize("entries", ["text", [["boat"]], [{"category_id": [1]}], [{"category_id": True}]])
def test_annotations_without_ids_are_left_to_their_rows(entries):
    data = {"categories": [{"id": 1, "name": "boat"}], "annotations": entries}
    assert read_categories(data, HERE).names == ("boat",)
