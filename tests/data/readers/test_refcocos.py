import pytest

from motet.core import DataError
from motet.data.readers import RefCocos

ENTRY = {"normal_caption": "dog", "solution": [0, 0, 3, 3], "image": "000000000009.jpg", "height": 4, "width": 6,
         "annotation_id": "a"}  # fmt: skip


@pytest.fixture
def read(tmp_path, image, write):
    image(tmp_path / "000000000009.jpg")
    return lambda *entries: RefCocos(write(tmp_path / "refcocos_test.json", list(entries)), tmp_path)


def test_an_expression_may_refer_to_nothing(read):
    reader = read(ENTRY, ENTRY | {"annotation_id": "b", "solution": None})
    assert [row.labels["region"] for row in (reader[0], reader[1])] == [(0, 0, 3, 3), None]
    assert reader.keys(1) == ("coco/9",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"solution": [0, 0, 99, 3]}, r"box: got \(0, 0, 99, 3\) as left, top, right, bottom; want .*6 x 4 pixels"),
        ({"solution": [1]}, r"solution: got \[1\.0\]; want left, top, right, bottom, or null"),
        ({"normal_caption": " "}, "normal_caption: got an empty text; want words"),
        ({"width": 7}, "size: got 7 x 4; want 6 x 4 pixels"),
    ],
)
def test_a_broken_row_leaves_the_others_readable(read, change, message):
    reader = read(ENTRY | change, ENTRY | {"annotation_id": "b"})
    assert reader[1].text == "dog"
    with pytest.raises(DataError, match=rf"{message}.*row 0\)"):
        reader[0]


def test_an_id_that_occurs_twice_is_an_error_of_the_file(read):
    with pytest.raises(DataError, match="annotation_id: got 1 different ones in 2 rows"):
        read(ENTRY, ENTRY)
