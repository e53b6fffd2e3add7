"""Data frames of three libraries become the same plain columns."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest

from motet.core import ConfigError
from motet.data.formats.frames import frame_cells, plain_cell

ROWS = {
    "text": ["a", None, "c"],
    "count": [1, None, 3],
    "share": [0.5, float("nan"), 1.5],
    "words": [["x"], ["y", "z"], []],
}


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_missing_cells_are_none_and_numbers_are_python_s(library: str) -> None:
    module = pytest.importorskip(library)
    frame = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}[library]
    options: dict[str, Any] = {"strict": False} if library == "polars" else {}
    cells = frame_cells(getattr(module, frame)(ROWS, **options))
    assert list(cells) == list(ROWS)
    assert cells["text"] == ["a", None, "c"]
    assert cells["count"] == [1, None, 3]
    assert cells["share"] == [0.5, None, 1.5]
    assert cells["words"] == [["x"], ["y", "z"], []]
    assert {type(cell) for cell in cells["share"]} == {float, type(None)}


def test_pandas_own_missing_values_are_none() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [pd.NA, pd.NaT, "x"], "b": pd.array([1, None, 3], dtype="Int64")})
    assert frame_cells(frame) == {"a": [None, None, "x"], "b": [1, None, 3]}


def test_a_frame_that_is_none_or_not_ready_is_named() -> None:
    pl = pytest.importorskip("polars")
    pd = pytest.importorskip("pandas")
    with pytest.raises(ConfigError, match=r"got a polars LazyFrame; want its rows: frame.collect\(\)"):
        frame_cells(pl.DataFrame(ROWS, strict=False).lazy())
    with pytest.raises(ConfigError, match="frame: got a list of builtins; want a pandas or polars DataFrame"):
        frame_cells([1])
    with pytest.raises(ConfigError, match=r"got the columns \['a'\] more than once"):
        frame_cells(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ConfigError, match="got the column name 0; want texts"):
        frame_cells(pd.DataFrame([[1, 2]]))


def test_cells_of_other_kinds_are_plain() -> None:
    assert plain_cell(np.array([1, 2])) == [1, 2]
    assert plain_cell(np.float32("nan")) is None
    assert plain_cell(datetime.date(2020, 1, 2)) == "2020-01-02"
    image = np.zeros((2, 2, 3), np.uint8)
    assert plain_cell(image) is image
