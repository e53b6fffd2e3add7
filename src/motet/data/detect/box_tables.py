"""Detection of tables with a box per row, by the names of their columns or, without a header, by their cells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import MotetError
from motet.data.detect.box_columns import are_normalized, box_columns, form_in_one_column
from motet.data.detect.dataset import DetectedDataset, try_read
from motet.data.detect.first_lines import first_lines
from motet.data.detect.image_folders import ImagesAt, find_images, find_images_by_stem, needed_prefix
from motet.data.detect.survey import Survey, distance, split_of, without_splits
from motet.data.formats.columns import collect_class_names
from motet.data.formats.deferred import capture
from motet.data.formats.paths import is_image
from motet.data.formats.table_file import SUFFIXES, first_rows, load_columns
from motet.data.formats.text_file import read_csv
from motet.data.readers.box_table import BoxTable

_MAX_ROWS = 200
_MAX_SPLITS = 6
_IMAGES = (
    "filename", "image", "imageid", "imagename", "imgname", "img", "imagepath", "imgpath", "filepath", "path", "file",
    "imageuid", "patientid", "imgid", "id", "name",
)  # fmt: skip
_LABELS = (
    "classname", "class", "labelname", "label", "categoryname", "category", "cls", "species", "objectname", "object",
    "type", "tag", "classid", "labelid", "categoryid",
)  # fmt: skip
_SIZES = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
_SPLITS = ("split", "subset", "set", "partition", "part")
_HEADERLESS = ("image", "x0", "y0", "x1", "y1", "class")  # RetinaNet's
_NAMES_FILE = "class-descriptions"  # of Open Images
_ADDRESSES = frozenset({"ImageID", "OriginalURL"})  # columns of its files about the images themselves
_TEXTS = ("caption", "sentence", "question", "expression", "phrase", "description")  # of referring expressions
_MAX_BYTES = 256 * 1024**2  # of JSON, which is parsed whole


@dataclass(frozen=True)
class _BoxTable:
    """A table of boxes.

    Args:
        path: of the table.
        columns: the arguments of the reader that name columns.
        images: the folder of the images.
        split: the column with the split of a row; "" for none.
    """

    path: Path
    columns: Mapping[str, Any]
    images: ImagesAt
    split: str


def find_box_tables(survey: Survey) -> Iterator[DetectedDataset]:
    """Finds tables of boxes with a column of images; the splits of one data set get the classes of all."""
    read = (_box_table(survey, path) for path in list(survey.files(*SUFFIXES, *(f"{one}.gz" for one in SUFFIXES))))
    tables = [table for table in read if table is not None]
    for table in tables:
        survey.claim(table.path, table.images.folder, table.columns.get("names_file"))
    if any("crowd" in table.columns for table in tables):
        survey.claim(*_address_files(survey))
    for table in tables:
        place = without_splits(table.path, survey.root)
        alike = [other for other in tables if without_splits(other.path, survey.root) == place]
        yield from _entries(survey, table, _common_names(alike) if len(alike) > 1 else ())


def _box_table(survey: Survey, path: Path) -> _BoxTable | None:
    if ".json" in path.suffixes and path.stat().st_size > _MAX_BYTES:
        return None
    rows, header = _first_rows(path)
    names = {_plain(column): column for column in reversed(list(rows[0] if rows else ()))}
    box = box_columns(names, rows)
    label = next((names[name] for name in _LABELS if name in names), "")
    if box is None or (not label and any(name in names for name in _TEXTS)):
        return None
    image, images = _image_column(survey, path, names, rows)
    if not image:
        return None
    form, columns = box
    found: dict[str, Any] = {"image": image, "box": columns, "label": label}
    if len(columns) == 1:
        form = form_in_one_column(images, image, columns[0], rows)
    found |= {"form": form} if form != "xyxy" else {}
    if are_normalized(rows, columns):
        found["normalized"] = True
    size = next((tuple(names[name] for name in pair) for pair in _SIZES if set(pair) <= set(names)), ())
    if size and not set(size) & set(columns):
        found["size"] = size
    if "isgroupof" in names:
        found["crowd"] = names["isgroupof"]
        names_file = _names_file(survey, path)
        found |= {"names_file": names_file} if names_file is not None else {}
    if header:
        found["header"] = header
    split = next((names[name] for name in _SPLITS if name in names), "")
    return _BoxTable(path, found, images, split)


def _first_rows(path: Path) -> tuple[Sequence[Mapping[str, Any]], tuple[str, ...]]:
    """Returns the first rows, and the names of their columns where the file has none."""
    try:
        if path.name.lower().endswith(".csv"):
            cells = list(itertools.islice(read_csv(path), _MAX_ROWS))
            if cells and _is_headerless(cells[0]):
                return [dict(zip(_HEADERLESS, row, strict=False)) for row in cells], _HEADERLESS
        return first_rows(path, _MAX_ROWS), ()
    except MotetError:
        return (), ()


def _is_headerless(cells: Sequence[str]) -> bool:
    """Checks for RetinaNet's row: a path, four numbers and a class, or all of them empty but the path."""
    if len(cells) != len(_HEADERLESS) or not is_image(cells[0]):
        return False
    return not any(cells[1:]) or all(cell.strip().replace(".", "", 1).isdecimal() for cell in cells[1:5])


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]", "", column.lower())


def _image_column(
    survey: Survey, path: Path, names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> tuple[str, ImagesAt]:
    """Returns the column of the images, by its name and by its cells, and the folder of the images; "" for none."""
    likely = [names[name] for name in _IMAGES if name in names]
    for column in (*likely, *(column for column in names.values() if column not in likely)):
        cells = list(dict.fromkeys(str(row.get(column)) for row in rows))
        if all(map(is_image, cells)):
            return column, find_images(survey, cells, path)
        at = find_images_by_stem(survey, cells, path) if column in likely else ImagesAt(None)
        if at.folder is not None:
            return column, at
    return "", ImagesAt(None)


def _common_names(tables: Sequence[_BoxTable]) -> tuple[str, ...]:
    """Returns the classes of several splits, so that an index means the same in all."""
    read = (capture(BoxTable, table.path, table.images.folder, **table.columns) for table in tables)
    return collect_class_names(name for one in read if isinstance(one, BoxTable) for name in one.names)


def _entries(survey: Survey, table: _BoxTable, names: tuple[str, ...]) -> Iterator[DetectedDataset]:
    path, images = table.path, table.images.folder
    arguments: dict[str, object] = {"path": path, "images": images or path.parent, **table.columns, "clip": True}
    arguments |= {} if images is None else needed_prefix(survey, images)
    arguments |= {"names": names} if names else {}
    box = ", ".join(map(str, table.columns["box"]))
    kind = "boxes of Open Images" if "crowd" in table.columns else "boxes in a table"
    for value in _split_values(table):
        yield from try_read(
            "BoxTable", arguments if not value else {**arguments, "only": (table.split, value)}, kind="detection",
            labels={"boxes": "en"}, evidence=f"{kind} ({path.name}), columns {box}",
            split=split_of(Path(value), Path()) if value else split_of(path, survey.root),
            problems=table.images.problems,
        )  # fmt: skip


def _split_values(table: _BoxTable) -> list[str]:
    """Returns the values of the column of splits, where they are few; a single "" where there is no such column."""
    if not table.split:
        return [""]
    values = sorted({str(cell) for cell in load_columns(table.path, [table.split])[table.split]})
    return values if len(values) <= _MAX_SPLITS else [""]


def _address_files(survey: Survey) -> list[Path]:
    """Returns Open Images' tables of where each image is from."""
    headers = {path: ",".join(first_lines(path, 1)).split(",") for path in survey.files(".csv")}
    return [path for path, header in headers.items() if _ADDRESSES.issubset(header)]


def _names_file(survey: Survey, path: Path) -> Path | None:
    """Returns the nearest file of the names of Open Images' classes."""
    files = [file for file in survey.files(".csv") if _NAMES_FILE in file.name]
    return min(files, key=lambda file: distance(file.parent, path.parent), default=None)
