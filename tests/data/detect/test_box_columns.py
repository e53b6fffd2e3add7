"""The columns of a box by their names, and what its numbers are; `test_box_tables` has whole tables."""

import pytest
from user_folders import image

from motet.data.detect.box_columns import are_normalized, box_columns, form_in_one_column
from motet.data.detect.image_folders import ImagesAt


def names(*columns):
    return {column.lower().replace("_", ""): column for column in columns}


@pytest.mark.parametrize(
    ("columns", "form"),
    [
        (("x_min", "y_min", "x_max", "y_max"), "xyxy"),
        (("X1", "Y1", "X2", "Y2"), "xyxy"),
        (("x", "y", "w", "h"), "xywh"),
        (("bbox_x", "bbox_y", "bbox_width", "bbox_height"), "xywh"),
        (("x_center", "y_center", "width", "height"), "cxcywh"),
    ],
)
def test_four_columns_by_their_names(columns, form):
    rows = [dict.fromkeys(columns, "1.5"), dict.fromkeys(columns, "")]
    assert box_columns(names("image", *columns), rows) == (form, columns)


def test_columns_without_numbers_are_no_boxes():
    assert box_columns(names("x", "y", "w", "h"), [dict.fromkeys("xywh", "one")]) is None
    assert box_columns(names("x", "y", "w", "h"), [dict.fromkeys("xywh", "")]) is None
    assert box_columns(names("x", "y"), [dict.fromkeys("xy", "1")]) is None
    assert box_columns(names("bbox"), [{"bbox": "[1, 2, 3]"}]) is None


def test_shares_and_pixels():
    assert are_normalized([{"bbox": "0.1 0.2 0.5 1.0"}], ["bbox"])
    assert not are_normalized([{"bbox": "0.1 0.2 0.5 1.0"}, {"bbox": "10 20 30 40"}], ["bbox"])


@pytest.mark.parametrize(
    ("column", "cell", "form"),
    [
        ("bbox", "[1, 1, 5, 5]", "xywh"),  # both forms fit: COCO's
        ("bbox", "[6, 6, 11, 9]", "xyxy"),
        ("bbox", "[6, 6, 2, 2]", "xywh"),
        ("bbox_xyxy", "[1, 1, 5, 5]", "xyxy"),
        ("bbox", "no numbers", "xywh"),
    ],
)
def test_four_numbers_in_a_cell_are_what_fits_into_the_image(tmp_path, column, cell, form):
    image(tmp_path / "a.jpg")
    rows = [{"image": "a", column: cell}]
    assert form_in_one_column(ImagesAt(tmp_path), "image", column, rows) == form


def test_without_images_four_numbers_are_a_corner_and_a_size():
    assert form_in_one_column(ImagesAt(None), "image", "bbox", [{"bbox": "[6, 6, 11, 9]"}]) == "xywh"
