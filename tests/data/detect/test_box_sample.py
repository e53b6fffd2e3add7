"""Boxes outside their images, and rows that cannot be read, in a sample of the rows."""

import numpy as np

from motet.core import BoxSet, DataError, Example
from motet.data.detect.box_sample import sample_boxes


class Rows:
    """Rows with one box each, of which some are cut, and some cannot be read."""

    def __init__(self, count, cut=(), broken=()):
        self.count, self.cut, self.broken = count, cut, broken

    def __len__(self):
        return self.count

    def keys(self, index):
        return (str(index),)

    def __getitem__(self, index):
        if index in self.broken:
            raise DataError("numbers: got 4", path="a.txt", row=index)
        cut = (f"box {index}",) if index in self.cut else ()
        return Example(id=str(index), labels={"boxes": BoxSet(np.ones((1, 4)), np.zeros(1), np.ones(1), cut=cut)})


def test_boxes_and_rows_without_a_fault_need_no_word():
    sample = sample_boxes(Rows(3))
    assert (sample.notes, sample.problems) == ((), ())


def test_a_few_are_noted_and_many_are_a_problem():
    sample = sample_boxes(Rows(40, cut=(7,), broken=(3, 4)))
    assert sample.notes == (
        "of 38 boxes 1 cut at the border of the image",
        "2 of 40 rows cannot be read, the first: numbers: got 4 (a.txt, row 3)",
    )
    assert sample.problems == ()
    (problem,) = sample_boxes(Rows(10, cut=range(5))).problems
    assert "5 of 10" in problem
    assert "box 0" in problem


def test_a_sample_is_spread_over_all_rows(monkeypatch):
    monkeypatch.setattr("motet.data.detect.box_sample._NUM_ROWS", 10)
    sample = sample_boxes(Rows(1000, cut=range(900, 1000)))
    assert sample.notes == ("of 10 boxes 1 cut at the border of the image in 10 of its images",)
