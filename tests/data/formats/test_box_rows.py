"""Rows of boxes with the names of their classes."""

from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.box_rows import BoxRow, BoxRows, NamedBox, box_names, corners_around

HERE = Path("boxes.json")
CAT = NamedBox("cat", (0, 0, 3, 2), 0)


def rows(tmp_path, *given, names=("cat", "dog"), clip=False):
    return BoxRows(given, names, tmp_path, "mine", "pets", clip)


def test_pixels_and_shares(tmp_path, image):
    image(tmp_path / "a.jpg")
    whole = BoxRow("7", "a.jpg", (CAT, NamedBox("dog", (1, 1, 2, 2), 1, crowd=True)), HERE, 7)
    shares = BoxRow("8", "a.jpg", (NamedBox("dog", (0, 0.5, 0.5, 1), 0),), HERE, 8, (4, 6), normalized=True)
    reader = rows(tmp_path, whole, shares)
    assert (len(reader), reader[0].id, reader.keys(0), reader[0].image_ids) == (
        2, "mine/7", ("pets/a.jpg",), ("pets/a.jpg",),
    )  # fmt: skip
    boxes = reader[0].labels["boxes"]
    assert (boxes.boxes_xyxy.tolist(), boxes.labels.tolist()) == ([[0, 0, 3, 2], [1, 1, 2, 2]], [0, 1])
    assert boxes.crowd.tolist() == [False, True]
    assert reader[1].labels["boxes"].boxes_xyxy.tolist() == [[0, 2, 3, 4]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (BoxRow("0", "no.jpg", (CAT,), HERE, 5), r"image: got no file .*no.jpg; .*boxes.json, row 5\)"),
        (BoxRow("0", "a.jpg", (CAT,), HERE, 5, (9, 9)), r"size: got 9 x 9; want 6 x 4 .*row 5\)"),
        (BoxRow("0", "a.jpg", (NamedBox("cow", (0, 0, 1, 1), 6),), HERE, 5), r"class: got 'cow', .*row 6\)"),
        (BoxRow("0", "a.jpg", (NamedBox("cat", (0, 0, 9, 1), 6),), HERE, 5), r"inside the image .*row 6\)"),
        (BoxRow("0", "a.jpg", DataError("bbox: got 3", path=HERE, row=6), HERE, 5), r"bbox: got 3 .*row 6\)"),
    ],
)
def test_an_error_is_one_of_its_row(tmp_path, image, row, message):
    image(tmp_path / "a.jpg")
    reader = rows(tmp_path, row, BoxRow("1", "a.jpg", (CAT,), HERE, 1))
    with pytest.raises(DataError, match=message):
        reader[0]
    assert len(reader[1].labels["boxes"].labels) == 1


def test_classes_are_sorted_numbers_by_value():
    def of(*names):
        return [BoxRow("0", "a.jpg", tuple(NamedBox(name, (0, 0, 1, 1), 0) for name in names), HERE, 0)]

    assert box_names(of("dog", "cat", "dog"), HERE) == ("cat", "dog")
    assert box_names(of("10", "9"), HERE) == ("9", "10")
    with pytest.raises(DataError, match="boxes: got none"):
        box_names(of(), HERE)
    with pytest.raises(DataError, match="bbox: got 3"):
        box_names([*of(), BoxRow("0", "a.jpg", DataError("bbox: got 3"), HERE, 5)], HERE)


def test_the_box_around_points():
    assert corners_around([(3, 1), (0, 2), (1, 9)]) == (0, 1, 3, 9)
