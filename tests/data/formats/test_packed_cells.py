"""Packed cells: what was given comes back, of the same kind, in few bytes."""

import pickle

import pytest

from motet.data.formats.packed_cells import PackedCells

GIVEN = ["a", "", "één\n", "\ud800", None, True, 1, 2**70, 0.1, 1.0, [1, "x"], {"a": {"b": []}}, "1", "null"]


def test_cells_come_back_with_their_kinds() -> None:
    cells = PackedCells.of(GIVEN)
    assert [(type(cell), cell) for cell in cells] == [(type(cell), cell) for cell in GIVEN]
    assert cells[2:5] == GIVEN[2:5]
    assert cells[-1] == "null"
    with pytest.raises(IndexError):
        cells[len(GIVEN)]
    assert pickle.loads(pickle.dumps(cells)) == GIVEN


def test_columns_are_equal_where_their_cells_are() -> None:
    assert PackedCells.of(GIVEN) == PackedCells.of(GIVEN)
    assert PackedCells.of("ab") != ["a"]
    assert PackedCells.of("ab") != ["a", "c"]


def test_a_text_takes_nine_bytes_more_than_its_own() -> None:
    assert PackedCells.of(f"{number:020d}" for number in range(1000)).nbytes == 29 * 1000
