"""Detection of columns of ids that are the names of image files without their endings, as Kaggle's tables have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from motet.data.detect.column_names import IMAGES, column_named
from motet.data.detect.guess import Row
from motet.data.detect.image_folders import find_images
from motet.data.detect.survey import Survey
from motet.data.formats.paths import is_image

_LONGEST = 120  # characters of an id
_SAMPLED = 5
_MAX_COLUMNS = 8
_ABOUT_FILES = re.compile(r"\bid|id(\b|_)|_id|image|img|file|photo|picture|name|key|path")


class ImageIds(NamedTuple):
    """A column of ids.

    Args:
        column: its name.
        pattern: the file of an id, such as "{}.jpg".
        folder: the folder of the files.
    """

    column: str
    pattern: str
    folder: Path


def image_ids(survey: Survey, path: Path, rows: Sequence[Row]) -> ImageIds | None:
    """Finds the first column whose cells with an ending are files of one folder.

    Args:
        survey: of the folder.
        path: of the table.
        rows: its first rows.
    """
    endings = _endings(survey)
    for column in list(rows[0] if rows else ())[:_MAX_COLUMNS]:
        ids = [_id(row.get(column)) for row in rows]
        if not all(ids) or not may_hold_ids(column, ids):
            continue
        for pattern in _patterns(ids, endings):
            folder = find_images(survey, [pattern.format(one) for one in ids[:_SAMPLED]], path).folder
            if folder is not None:
                return ImageIds(column, pattern, folder)
    return None


def may_hold_ids(column: str, cells: Sequence[str]) -> bool:
    """Returns False for numbers whose column is not about images or files: the epochs of a log are no ids.

    Examples:
        >>> may_hold_ids("image_id", ["1"]), may_hold_ids("epoch", ["1"]), may_hold_ids("plant", ["a1"])
        (True, False, True)
    """
    if not all(map(str.isdecimal, cells)):
        return True
    return bool(_ABOUT_FILES.search(column.lower()) or column_named([column], IMAGES))


def _id(cell: object) -> str:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    fits = isinstance(cell, str) and 0 < len(cell) <= _LONGEST and "\n" not in cell and "\0" not in cell
    return str(cell).strip() if fits else ""


def _endings(survey: Survey) -> list[str]:
    """Returns the endings of the images, the most frequent first."""
    counts: dict[str, int] = {}
    for listing in survey.listings.values():
        for name in listing.files:
            if is_image(name):
                ending = Path(name).suffix
                counts[ending] = counts.get(ending, 0) + 1
    return sorted(counts, key=lambda ending: -counts[ending])


def _patterns(ids: Sequence[str], endings: Sequence[str]) -> Iterator[str]:
    """Yields the patterns to try; a spreadsheet takes the zeros off numbers, so that 0007.jpg is called 7."""
    yield from (f"{{}}{ending}" for ending in endings)
    if all(one.isascii() and one.isdigit() for one in ids):
        widths = range(max(map(len, ids)), 13)
        yield from (f"{{:0>{width}}}{ending}" for ending in endings for width in widths if width > 1)
