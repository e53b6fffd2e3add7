"""Numbers of boxes in cells of tables."""

from pathlib import Path

import pytest

from motet.core import DataError
from motet.data.formats.box_cells import cell_numbers, corners, is_empty


@pytest.mark.parametrize(
    "cells",
    [
        ("1", "2.5", "-3", "4e1"),
        (1, 2.5, -3, 40),
        ("[1, 2.5, -3, 4e1]",),
        ("1 2.5 -3 40",),
        ([1, 2.5, -3, 40],),
        ("(1; 2.5; -3; 40)",),
    ],
)
def test_four_numbers_in_one_cell_or_in_four(cells):
    assert cell_numbers(cells, 4, "bbox", Path("t.csv"), 3) == (1, 2.5, -3, 40)


@pytest.mark.parametrize("cells", [("1", "2", "3"), ("1", "2", "x", "4"), ("[1, 2, 3]",), ("[1, 2, 3, 4, 5]",), ("",)])
def test_other_cells_are_an_error_with_their_place(cells):
    with pytest.raises(DataError, match=r"bbox: got .*; want 4 numbers \(t.csv, row 3\)"):
        cell_numbers(cells, 4, "bbox", Path("t.csv"), 3)


def test_three_forms_of_a_box():
    assert corners("xyxy", (1, 2, 3, 4)) == (1, 2, 3, 4)
    assert corners("xywh", (1, 2, 3, 4)) == (1, 2, 4, 6)
    assert corners("cxcywh", (3, 4, 2, 4)) == (2, 2, 4, 6)


@pytest.mark.parametrize("cell", ["", " ", "NaN", "None", None, float("nan"), [], "[]"])
def test_cells_without_a_value(cell):
    assert is_empty(cell)


@pytest.mark.parametrize("cell", ["0", 0, 0.0, "x", [0]])
def test_cells_with_a_value(cell):
    assert not is_empty(cell)
