from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.candidates import Candidate, clip_to_image, get_corners, referred_candidates

AT = {"path": Path("refs.json"), "row": 3}
SIZE_HW = (40, 60)
GOOD, EMPTY, OUTSIDE = (0.0, 0.0, 9.0, 9.0), (5.0, 5.0, 5.0, 9.0), (50.0, 0.0, 90.0, 9.0)


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        (GOOD, GOOD),
        ((-1.0, 0.0, 61.0, 41.0), (0.0, 0.0, 60.0, 40.0)),
        ((-1.5, 0.0, 9.0, 9.0), None),
        (EMPTY, None),
        ((9.0, 0.0, 0.0, 9.0), None),
        (OUTSIDE, None),
    ],
)
def test_one_pixel_beyond_the_border_is_clipped_and_more_is_refused(box, clipped):
    assert clip_to_image(box, SIZE_HW) == clipped


def test_the_target_is_counted_among_the_valid_candidates():
    boxes = [Candidate("a", EMPTY), Candidate("b", GOOD), Candidate("c", OUTSIDE), Candidate("d", (1, 1, 2, 2))]
    found = referred_candidates(boxes, "d", SIZE_HW, **AT)
    assert (found.boxes, found.target) == ((GOOD, (1, 1, 2, 2)), 1)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("a", r"box: got \(5, 5, 5, 9\) .*want a box with an area inside the image of 60 x 40 pixels"),
        ("c", r"box: got \(50, 0, 90, 9\) .*want a box with an area inside"),
        ("z", "box: got the id z; want one of the 3 boxes of its image"),
    ],
)
def test_a_target_that_is_invalid_or_missing_is_an_error(key, message):
    boxes = [Candidate("a", EMPTY), Candidate("b", GOOD), Candidate("c", OUTSIDE)]
    with pytest.raises(DataError, match=rf"{message}.*refs.json, row 3\)"):
        referred_candidates(boxes, key, SIZE_HW, **AT)


def test_corners_are_left_top_right_bottom():
    assert get_corners({"bbox": [1, 2, 3, 4.5]}, "bbox", **AT) == (1, 2, 4, 6.5)
    with pytest.raises(DataError, match=r"bbox: got \[1.0, 2.0\]; want left, top, width, height"):
        get_corners({"bbox": [1, 2]}, "bbox", **AT)
    with pytest.raises(DataError, match="bbox: got 'x'; want a number"):
        get_corners({"bbox": [1, 2, 3, "x"]}, "bbox", **AT)
