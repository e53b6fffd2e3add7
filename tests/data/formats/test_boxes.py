"""Boxes of every format are checked in one place: what is refused, what is cut, what is legal."""

from pathlib import Path

import numpy as np
import pytest

from motet.core import DataError
from motet.data.formats.boxes import FileBox, pack_boxes, to_box_set

FILE = Path("boxes.json")


def checked(*corners, clip=False, **more):
    given = pack_boxes([FileBox(xyxy, 0, 7 + place, **more) for place, xyxy in enumerate(corners)])
    return to_box_set(given, (40, 60), clip=clip, path=FILE)


def test_an_image_without_boxes_has_an_empty_annotation():
    found = checked()
    assert found.boxes_xyxy.shape == (0, 4)
    assert len(found.labels) == len(found.scores) == 0


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((0, 0, float("nan"), 3), r"got \(0, 0, nan, 3\) .*; want four finite numbers \(boxes.json, row 8\)"),
        ((0, 0, float("inf"), 3), "want four finite numbers"),
        ((3, 3, 3, 9), "want left < right and top < bottom"),
        ((9, 3, 5, 9), "want left < right and top < bottom"),
        ((0, 0, 61.5, 9), "want a box inside the image of 60 x 40 pixels"),
        ((-1.5, 0, 6, 9), "want a box inside the image"),
        ((60.2, 0, 60.8, 9), "want a box inside the image"),
    ],
)
def test_a_wrong_box_is_told_with_its_place(corners, message):
    with pytest.raises(DataError, match=message):
        checked((1, 1, 2, 2), corners)


def test_a_pixel_outside_is_rounding_and_cut():
    found = checked((-1, 0, 61, 40.5))
    assert found.boxes_xyxy.tolist() == [[0, 0, 60, 40]]
    assert (found.cut, found.dropped) == ((), ())


def test_clip_cuts_and_leaves_out_what_has_no_area():
    found = checked((-9, 5, 20, 90), (70, 0, 80, 9), (4, 4, 4, 8), clip=True, attributes=(2,), crowd=True, area=3.0)
    assert found.boxes_xyxy.tolist() == [[0, 5, 20, 40]]
    assert found.cut == (
        "box: got (-9, 5, 20, 90) as left, top, right, bottom; want a box inside the image of 60 x 40 pixels "
        "(boxes.json, row 7)",
    )
    assert [line.rpartition(" ")[2] for line in found.dropped] == ["8)", "9)"]
    assert "want left < right and top < bottom, in the image of 60 x 40 pixels" in found.dropped[0]
    assert (found.attributes, found.crowd.tolist(), found.areas.tolist()) == (((2,),), [True], [3.0])


def test_clip_still_refuses_what_is_no_number():
    with pytest.raises(DataError, match="four finite numbers"):
        checked((0, 0, float("nan"), 3), clip=True)


def test_a_box_keeps_its_values():
    found = checked((0.5, 1, 60, 40))
    assert found.boxes_xyxy.dtype == np.float32
    assert found.boxes_xyxy.tolist() == [[0.5, 1, 60, 40]]
    assert found.crowd.size == found.areas.size == len(found.attributes) == 0
