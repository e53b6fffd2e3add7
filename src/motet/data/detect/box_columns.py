"""The columns of a box in a table, and what its four numbers are, by names, numbers and the sizes of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.detect.image_folders import ImagesAt
from motet.data.formats.box_cells import BoxForm, cell_numbers, corners, is_empty
from motet.data.formats.deferred import capture
from motet.data.formats.image_size import image_size_hw
from motet.data.formats.paths import with_image_ending

_COLUMNS: tuple[tuple[BoxForm, tuple[str, ...]], ...] = (
    ("xyxy", ("xmin", "ymin", "xmax", "ymax")),
    ("xyxy", ("x1", "y1", "x2", "y2")),
    ("xyxy", ("x0", "y0", "x1", "y1")),
    ("xyxy", ("left", "top", "right", "bottom")),
    ("xyxy", ("bboxx1", "bboxy1", "bboxx2", "bboxy2")),
    ("xyxy", ("bboxxmin", "bboxymin", "bboxxmax", "bboxymax")),
    ("cxcywh", ("xcenter", "ycenter", "width", "height")),
    ("cxcywh", ("cx", "cy", "w", "h")),
    ("cxcywh", ("cx", "cy", "width", "height")),
    ("xywh", ("x", "y", "w", "h")),
    ("xywh", ("x", "y", "width", "height")),
    ("xywh", ("left", "top", "width", "height")),
    ("xywh", ("xmin", "ymin", "width", "height")),
    ("xywh", ("xmin", "ymin", "w", "h")),
    ("xywh", ("bboxx", "bboxy", "bboxwidth", "bboxheight")),
    ("xywh", ("bboxx", "bboxy", "bboxw", "bboxh")),
)
_ONE_COLUMN = ("bbox", "box", "boundingbox", "bboxes", "boxes", "bboxxywh", "bboxxyxy")
_LARGEST_SHARE = 1.5
_MOST = 0.9  # share of the rows that decides
_NUM_MEASURED = 20  # images whose size decides between two forms


def box_columns(names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> tuple[BoxForm, tuple[str, ...]] | None:
    """Returns the form and the columns of the box, where most rows with one have four numbers; None without one.

    Args:
        names: plain name -> column.
        rows: the first rows.
    """
    groups = [*_COLUMNS, *(("xyxy" if name.endswith("xyxy") else "xywh", (name,)) for name in _ONE_COLUMN)]
    for form, group in groups:
        if set(group) <= set(names):
            columns = tuple(names[name] for name in group)
            filled = [row for row in rows if not all(is_empty(row.get(column)) for column in columns)]
            if filled and len(_numbers(filled, columns)) >= _MOST * len(filled):
                return form, columns
    return None


def are_normalized(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bool:
    """Returns True where the boxes of the first rows are shares of the image's sides."""
    return all(abs(number) <= _LARGEST_SHARE for box in _numbers(rows, columns) for number in box)


def form_in_one_column(images: ImagesAt, image: str, column: str, rows: Sequence[Mapping[str, Any]]) -> BoxForm:
    """Returns the form of four numbers in one cell: a size after the corner unless only two corners fit."""
    if column.lower().endswith("xyxy") or images.folder is None:
        return "xyxy" if column.lower().endswith("xyxy") else "xywh"
    fits: Counter[BoxForm] = Counter()
    for row in rows[:_NUM_MEASURED]:
        numbers = capture(cell_numbers, [row.get(column)], 4, "box", Path(), 0)
        size_hw = capture(image_size_hw, images.folder / with_image_ending(images.folder, str(row.get(image))))
        if not isinstance(numbers, DataError) and not isinstance(size_hw, DataError):
            fits.update(form for form in ("xywh", "xyxy") if _is_inside(corners(form, numbers), size_hw))
    return "xyxy" if fits["xyxy"] > fits["xywh"] else "xywh"


def _numbers(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[tuple[float, ...]]:
    """Returns the boxes of the rows in which they can be read."""
    read = (capture(cell_numbers, [row.get(column) for column in columns], 4, "box", Path(), 0) for row in rows)
    return [numbers for numbers in read if not isinstance(numbers, DataError)]


def _is_inside(box: Sequence[float], size_hw: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = box
    height, width = size_hw
    return -1 <= x0 < x1 <= width + 1 and -1 <= y0 < y1 <= height + 1
