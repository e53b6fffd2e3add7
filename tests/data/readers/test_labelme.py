"""LabelMe: one JSON of shapes per image."""

import json

import pytest

from motet.core import DataError
from motet.data.readers import LabelMe


def shape(label="cat", points=((0, 1), (3, 4)), kind="rectangle"):
    return {"label": label, "points": [list(point) for point in points], "shape_type": kind, "flags": {}}


@pytest.fixture
def read(tmp_path, image, write):
    def reader(*shapes, images=None, **options):
        folder = tmp_path / "cats"
        image((images or folder) / "a.jpg")
        data = {"version": "5.2", "flags": {}, "shapes": list(shapes), "imagePath": "a.jpg", "imageData": None}
        write(folder / "a.json", json.dumps({**data, "imageHeight": 4, "imageWidth": 6}))
        return LabelMe(folder, images, **options)

    return reader


def boxes(reader, row=0):
    found = reader[row].labels["boxes"]
    return found.boxes_xyxy.tolist(), [reader.names[label] for label in found.labels]


@pytest.mark.parametrize(
    ("kind", "points", "box"),
    [
        ("rectangle", ((0, 1), (3, 4)), [0, 1, 3, 4]),
        ("rectangle", ((3, 4), (0, 1)), [0, 1, 3, 4]),
        ("polygon", ((1, 1), (4, 2), (2, 3)), [1, 1, 4, 3]),
        (None, ((1, 1), (4, 2), (2, 3)), [1, 1, 4, 3]),
        ("circle", ((3, 2), (3, 4)), [1, 0, 5, 4]),
        ("mask", ((1, 1), (2, 2)), [1, 1, 2, 2]),
    ],
)
def test_the_box_around_a_shape(read, kind, points, box):
    assert boxes(read(shape("dog"), shape("cat", points, kind))) == ([[0, 1, 3, 4], box], ["dog", "cat"])


@pytest.mark.parametrize("kind", ["point", "points", "line", "linestrip"])
def test_points_and_lines_have_no_box(read, kind):
    assert boxes(read(shape(), shape("tail", ((1, 1),), kind))) == ([[0, 1, 3, 4]], ["cat"])
    assert read(shape("tail", ((1, 1),), kind), names=("cat",))[0].labels["boxes"].labels.size == 0


def test_ids_images_and_names(read, tmp_path, image):
    reader = read(shape(), names=("dog", "cat"))
    assert (len(reader), reader[0].id, reader.keys(0)) == (1, "cats/a", ("cats/a.jpg",))
    assert reader[0].labels["boxes"].labels.tolist() == [1]
    elsewhere = tmp_path / "pictures"
    assert read(shape(), images=elsewhere)[0].images[0].path == elsewhere / "a.jpg"


def test_the_image_may_have_another_name(read, tmp_path, image, write):
    reader = read(shape())
    data = {"shapes": [shape()], "imagePath": "..\\photos\\b.png", "imageHeight": None, "imageWidth": None}
    write(tmp_path / "cats" / "other.json", json.dumps(data))
    image(tmp_path / "cats" / "b.png")
    reader = LabelMe(tmp_path / "cats")
    assert [reader.keys(row) for row in range(2)] == [("cats/a.jpg",), ("cats/b.png",)]
    assert len(reader[1].labels["boxes"].labels) == 1


def test_other_json_is_no_row_and_images_without_boxes_may_be_none(read, write, tmp_path):
    read(shape())
    for name, content in (("list.json", "[1]"), ("config.json", '{"names": []}'), ("b.json", '{"shapes": []}')):
        write(tmp_path / "cats" / name, content)
    assert len(LabelMe(tmp_path / "cats")) == 2
    assert len(LabelMe(tmp_path / "cats", empty=False)) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (shape(points=((0, 1),)), r"points: got 1; want at least 2 of a rectangle .*a.json, row 1\)"),
        (shape(points=((0, 1), (2,))), r"want x, y .*row 1\)"),
        (shape(points=((0, 1), (9, 4))), r"want a box inside the image of 6 x 4 pixels .*row 1\)"),
        (shape(label=" "), r"label: got an empty text; .*row 1\)"),
        ("text", r"shape: got 'text'; want an object .*row 1\)"),
    ],
)
def test_a_wrong_shape_is_an_error_of_its_row(read, given, message):
    reader = read(shape(), given, names=("cat",))
    with pytest.raises(DataError, match=message):
        reader[0]


def test_broken_files_are_errors_of_their_rows_and_none_at_all_is_one_at_once(read, write, tmp_path):
    read(shape())
    write(tmp_path / "cats" / "b.json", '{"shapes": [')
    write(tmp_path / "cats" / "c.json", json.dumps({"shapes": [], "imageHeight": 4, "imageWidth": None}))
    reader = LabelMe(tmp_path / "cats")
    with pytest.raises(DataError, match=r"JSON: got .*b.json"):
        reader[1]
    with pytest.raises(DataError, match=r"width: got None.*c.json, row c\)"):
        reader[2]
    with pytest.raises(DataError, match="got no JSON of LabelMe"):
        LabelMe(write(tmp_path / "empty" / "x.txt", "").parent)
