"""Tables that are not read, with how near they come to a table of images and annotations."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from motet.core import DataError, MotetError
from motet.data.detect.first_lines import first_lines
from motet.data.detect.guess import Row, holds_image
from motet.data.detect.image_ids import image_ids, may_hold_ids
from motet.data.detect.near_miss import NearMiss, few
from motet.data.detect.survey import Survey, is_file, is_submission
from motet.data.detect.table_beginnings import table_beginnings
from motet.data.formats.paths import is_image

_MAX_ROWS = 200
_SAMPLED = 20  # cells that are looked for among the images
_SEPARATORS = {";": "semicolons", "|": "bars", ",": "commas"}  # of a TSV that has no tabs
_IMAGE_WORD = re.compile(r"\b(image|images|image_path|filename|file_name)\b|\.(jpe?g|png|webp)\b")
_LISTED = re.compile(r"(?P<image>\S+\.\w+)[ \t](?P<label>\S.*)")  # a line of a list: n01440764/1.JPEG 0
_LABELS = "label, caption, or question and answer"


def table_miss(survey: Survey, path: Path) -> NearMiss:
    """Returns how near a table comes: to be read it needs a column of images and one of annotations.

    Args:
        survey: of the folder.
        path: of a CSV, TSV, JSONL or Parquet file.
    """
    if is_submission(path.name):
        return NearMiss(path, "a sample of a submission, whose labels are placeholders", "nothing: it is left out")
    try:
        (beginning, *_) = table_beginnings(path, _MAX_ROWS)
    except MotetError as error:
        lines = first_lines(path, 3)
        format = "table" if ".parquet" in path.suffixes or not lines or _IMAGE_WORD.search(str(lines).lower()) else ""
        if lines and _has_no_header(lines[0]):
            return NearMiss(path, "numbers without a header", "the names of the columns in the first line", format)
        return error_miss(path, error, format)
    if not beginning.rows:
        return NearMiss(path, "a header without rows", "one row per image", "table")
    if beginning.form.header:
        return _headless_miss(path, [str(cell) for cell in beginning.rows[0].values()])
    return rows_miss(survey, path, beginning.rows)


def rows_miss(survey: Survey, path: Path, rows: Sequence[Row]) -> NearMiss:
    """Returns how near some rows come; without images in any column they are no table of motet's kind."""
    columns = [str(column) for column in rows[0]]
    if path.suffix in (".csv", ".tsv") and _has_no_header(",".join(columns)):
        return NearMiss(path, "numbers without a header", "the names of the columns in the first line")
    if any(map(is_image, columns)):
        return _headless_miss(path, columns)
    if len(columns) == 1 and path.suffix == ".tsv":
        for separator, name in _SEPARATORS.items():
            if separator in columns[0]:
                return NearMiss(path, f"{name} between the cells ({columns[0]!r})", "tabs between them", "table")
    counts = {column: sum(holds_image(row.get(column)) for row in rows) for column in columns}
    column = max(columns, key=lambda name: counts[name], default="")
    shown = few([repr(name) for name in columns], 6)
    if counts.get(column) == len(rows):
        others = few([repr(name) for name in columns if name != column], 6)
        got = f"images in column {column!r}, and no column that is known for annotations ({others or 'no other'})"
        return NearMiss(path, got, f"a column called {_LABELS}", "table")
    if counts.get(column, 0) * 2 > len(rows):
        row = next(place for place, row in enumerate(rows) if not holds_image(row.get(column)))
        cell = str(rows[row].get(column))[:60]
        got = f"{cell!r} in row {row} of column {column!r}, which names images elsewhere"
        return NearMiss(path, got, "the name of an image in every row", "table")
    for column in columns:
        cells = [str(row.get(column)) for row in rows[:_SAMPLED] if row.get(column)]
        if not may_hold_ids(column, cells):
            continue  # numbers of something else
        found = {cell: image for cell in cells if (image := _image_of_stem(survey, cell, path)) is not None}
        if cells and 2 * len(found) >= len(cells):
            cell, image = next(iter(found.items()))
            if image_ids(survey, path, rows) is not None:
                others = few([repr(name) for name in columns if name != column], 6)
                got = f"images in column {column!r} ({cell!r} is {image}), and no column that is known for annotations"
                return NearMiss(path, f"{got} ({others or 'no other'})", f"a column called {_LABELS}", "table")
            got = f"names of images without their ending in column {column!r} ({cell!r} is {image})"
            return NearMiss(path, got, f"names of files in it, such as {image}", "table")
    got = f"a table without a column of images ({shown or 'no columns'})"
    return NearMiss(path, got, "a column of their names, if it is about images")


def _headless_miss(path: Path, first: Sequence[str]) -> NearMiss:
    got = f"no header ({few([repr(cell) for cell in first])} in the first line)"
    return NearMiss(path, got, "the names of the columns in the first line", "table")


def list_miss(path: Path) -> NearMiss | None:
    """Returns the near miss of a text file whose lines are names of images with something after them, or alone."""
    lines = [line.strip() for line in first_lines(path, _SAMPLED)]
    if not lines:
        return None
    if all((found := _LISTED.fullmatch(line)) and is_image(found["image"]) for line in lines):
        got = f"a list of images and something about each, without a header ({lines[0][:60]!r})"
        return NearMiss(path, got, "a CSV file with the header image,label or image,caption", "table")
    if all(is_image(line) for line in lines):
        return NearMiss(path, "a list of images without annotations", "a column of annotations, if it is for them")
    return None


def missing_images(survey: Survey, path: Path, column: str, names: Sequence[str]) -> str:
    """Returns the problem of a table whose images are not together in one folder.

    Args:
        survey: of the folder.
        path: of the table.
        column: that names images.
        names: the first of its cells.
    """
    if all("://" in name for name in names):
        got, want = f"addresses on the web in column {column!r} ({names[0][:60]})", "their files, and a column of names"
        return f"{path}: table: got {got}; want {want}"
    where = {name: survey.image_folder([name], path) for name in names[:_SAMPLED]}
    folders = Counter(folder for folder in where.values() if folder is not None)
    missing = [name for name, folder in where.items() if folder is None]
    if not folders:
        files = {name: survey.image_folder([re.split(r"[/\\]", name)[-1]], path) for name in missing[:1]}
        name, folder = next(iter(files.items()))
        if folder is not None:
            at = _relative(folder / re.split(r"[/\\]", name)[-1], path)
            return f"{path}: table: got {name!r} in column {column!r}, whose file is {at}; want paths from this folder"
        got = f"no folder with the images of column {column!r} ({few(names)})"
        return f"{path}: table: got {got}; want them in {path.parent}, or a column with their paths"
    (most, count), *others = folders.most_common()
    if missing:
        got = f"{len(missing)} of {len(where)} images of column {column!r} missing ({missing[0]})"
        return f"{path}: table: got {got}; want them where the others are, in {most}"
    got = f"images in {len(others) + 1} folders ({count} in {most}, {others[0][1]} in {others[0][0]})"
    return f"{path}: table: got {got}; want paths in column {column!r} that start in one folder"


def error_miss(path: Path, error: MotetError, format: str) -> NearMiss:
    """Returns the near miss of a file that cannot be parsed, in the words of the error."""
    message = error.message if isinstance(error, DataError) else str(error)
    where = f" (row {error.row})" if isinstance(error, DataError) and error.row is not None else ""
    got, _, want = message.partition("; want ")
    thing, _, value = got.partition(": got ")
    return NearMiss(path, f"{value or got} ({thing})" if value else got, (want or "a whole file") + where, format)


def _has_no_header(line: str) -> bool:
    """Returns True where most cells of a table's first line are numbers."""
    cells = re.split(r"[,;\t]", line)
    return 2 * sum(bool(re.fullmatch(r"\s*-?[\d.]+\s*", cell)) for cell in cells) > len(cells)


def _image_of_stem(survey: Survey, stem: str, near: Path) -> str | None:
    """Returns the path of the image with this name and an ending, from the folder of a table."""
    for folder, listing in survey.listings.items():
        for ending in listing.image_endings:
            if is_file(folder / f"{stem}{ending}"):
                return _relative(folder / f"{stem}{ending}", near)
    return None


def _relative(path: Path, near: Path) -> str:
    return Path(os.path.relpath(path, near.parent)).as_posix()
