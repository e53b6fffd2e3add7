"""Boxes that were cut or dropped are counted, and too many of them are a problem."""

import numpy as np
import pytest

from motet.core import BoxSet
from motet.data.clipped_boxes import ClippedBoxes


def boxes(count, *, cut=(), dropped=()):
    return BoxSet(np.zeros((count, 4)), np.zeros(count, dtype=int), np.ones(count), cut=cut, dropped=dropped)


def test_boxes_are_counted_with_the_first_that_was_clipped():
    clipped = ClippedBoxes()
    for annotation in (boxes(3), boxes(2, dropped=("c",)), boxes(1, cut=("a",), dropped=("b",)), "no boxes", None):
        clipped.add(annotation)
    assert (clipped.boxes, clipped.cut, clipped.dropped, clipped.first) == (8, 1, 2, "c")
    assert clipped.summary == "of 8 boxes 1 cut at the border of the image and 2 without area in it dropped"


@pytest.mark.parametrize(("cut", "total", "is_problem"), [(0, 0, False), (0, 9, False), (1, 20, False), (2, 20, True)])
def test_a_few_are_no_problem_and_many_are(cut, total, is_problem):
    clipped = ClippedBoxes(boxes=total, cut=cut, first="box: got 9 (a.txt, row 0)" if cut else "")
    assert bool(clipped.problem) == is_problem
    assert bool(clipped.summary) == bool(cut)
    if is_problem:
        assert "got 2 of 20 that pass the border" in clipped.problem
        assert clipped.problem.endswith("box: got 9 (a.txt, row 0)")
