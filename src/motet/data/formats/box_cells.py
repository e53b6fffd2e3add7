"""Boxes in the cells of tables: their numbers, and the three forms in which four numbers are a box."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, assert_never

from motet.core import DataError
from motet.data.formats.json_file import short_repr

BoxForm = Literal["xyxy", "xywh", "cxcywh"]
BOX_FORMS: tuple[BoxForm, ...] = ("xyxy", "xywh", "cxcywh")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_EMPTY = frozenset({"", "nan", "none", "null", "[]"})


def corners(form: BoxForm, numbers: Sequence[float]) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom of four numbers.

    Examples:
        >>> corners("xywh", (1, 2, 3, 4)), corners("cxcywh", (1, 2, 2, 4))
        ((1, 2, 4, 6), (0.0, 0.0, 2.0, 4.0))
    """
    a, b, c, d = numbers
    match form:
        case "xyxy":
            return a, b, c, d
        case "xywh":
            return a, b, a + c, b + d
        case "cxcywh":
            return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    assert_never(form)


def cell_numbers(cells: Sequence[object], count: int, column: str, path: Path, row: int) -> tuple[float, ...]:
    """Returns the numbers of several cells, or of one that has all, such as "[834.0, 222.0, 56.0, 36.0]".

    Args:
        cells: of the row.
        count: of the numbers.
        column: what they are, for the error.
        path: the table, for the error.
        row: the row, for the error.

    Raises:
        DataError: another number of them, or something that is no number.
    """
    parts = cells[0] if len(cells) == 1 and isinstance(cells[0], list | tuple) else cells
    texts = [str(part).strip() for part in parts]
    if len(texts) == 1 and count > 1:
        texts = _NUMBER.findall(texts[0])
    if len(texts) != count or not all(map(_NUMBER.fullmatch, texts)):
        got = short_repr(list(cells) if len(cells) > 1 else cells[0])
        raise DataError(f"{column}: got {got}; want {count} numbers", path=path, row=row)
    return tuple(map(float, texts))


def is_empty(cell: object) -> bool:
    """Returns True for a cell without a value: empty, null or NaN.

    Examples:
        >>> is_empty(""), is_empty("NaN"), is_empty(0)
        (True, True, False)
    """
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _EMPTY) or cell == []
