"""Tables of boxes, one per row: as TensorFlow, RetinaNet, Roboflow, Kaggle and Open Images have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import ConfigError, DataError
from motet.data.formats.box_cells import BOX_FORMS, BoxForm, cell_numbers, corners, is_empty
from motet.data.formats.box_rows import BoxRow, BoxRows, NamedBox
from motet.data.formats.columns import collect_class_names
from motet.data.formats.deferred import capture, unwrap_all
from motet.data.formats.paths import default_name, path_inside, with_image_ending
from motet.data.formats.table_file import load_columns
from motet.data.formats.text_file import read_csv
from motet.data.formats.wrapped_reader import WrappedReader


@dataclass(frozen=True)
class BoxTable(WrappedReader):
    """Boxes of a table, one Example per image; labels: "boxes", a `BoxSet` in pixels of the image.

    The rows of one image are one Example, in the order of their first. A row without numbers in its box is an image
    without that box.

    Args:
        path: the table, see `Table`.
        images: the folder that the images are relative to; by default that of the table.
        image: the column of the image's file; its ending may be missing.
        box: the four columns of the box, or the one that has all four numbers, as "[834.0, 222.0, 56.0, 36.0]".
        form: what the four numbers are: "xyxy": left, top, right, bottom; "xywh": left, top, width, height;
            "cxcywh": centre, width, height.
        label: the column of the class; "" where there is one class only, called "object" unless names say otherwise.
        normalized: the numbers are shares of the image's sides, 0 to 1, instead of pixels.
        header: the columns of a CSV without a header; empty where it has one.
        size: the two columns of the image's width and height, against which the image is checked; empty without.
        crowd: the column that is 1 for a box around many objects.
        only: a column and its value in the rows that are read, such as ("split", "train").
        names: the classes and their order; by default all of the table, sorted. Give the other parts those of the
            training part.
        names_file: a CSV without a header, of a class as the table calls it and its name, as Open Images has it.
        name: prefix of Example ids; by default the folder's and the file's name.
        image_prefix: prefix of image ids, before the image's file; by default the images' folder's name.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such file, a missing column, or no row. An error within the cells of a row raises when its image
            is read.
        ConfigError: an unknown form, or another number of columns than one or four.
    """

    path: Path | str
    images: Path | str | None = None
    image: str = "filename"
    box: tuple[str, ...] = ("xmin", "ymin", "xmax", "ymax")
    form: BoxForm = "xyxy"
    label: str = "class"
    normalized: bool = False
    header: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    crowd: str = ""
    only: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    names_file: Path | str | None = None
    name: str = ""
    image_prefix: str = ""
    clip: bool = False

    def __post_init__(self) -> None:
        self._check()
        path = Path(self.path)
        columns = [self.image, *self.box, *self.size, *self.only[:1], *filter(None, (self.label, self.crowd))]
        cells = _load(path, tuple(dict.fromkeys(columns)), self.header)
        folder = path.parent if self.images is None else Path(self.images)
        classes = self._classes(cells)
        object.__setattr__(self, "names", self.names or _names(classes, path))
        groups: dict[str, list[int]] = {}
        for row, cell in enumerate(cells[self.image]):
            if not self.only or str(cells[self.only[0]][row]) == self.only[1]:
                groups.setdefault(str(cell), []).append(row)
        if not groups:
            raise DataError("table: got no rows; want at least one box", path=path)
        found = tuple(self._row(image, rows, cells, classes, folder) for image, rows in groups.items())
        prefix, image_prefix = self.name or default_name(path), self.image_prefix or default_name(folder)
        object.__setattr__(self, "_rows", BoxRows(found, self.names, folder, prefix, image_prefix, self.clip))

    def _check(self) -> None:
        if self.form not in BOX_FORMS:
            raise ConfigError(f"BoxTable.form: got {self.form!r}; want {', '.join(map(repr, BOX_FORMS))}")
        if len(self.box) not in (1, 4):
            raise ConfigError(f"BoxTable.box: got {self.box}; want four columns, or one that has all four numbers")
        if len(self.size) not in (0, 2) or len(self.only) not in (0, 2):
            raise ConfigError(
                f"BoxTable: got size {self.size} and only {self.only}; want the columns of width and height, and a "
                "column and its value"
            )

    def _classes(self, cells: Mapping[str, Sequence[Any]]) -> list[str]:
        """Returns the class of each row by its name; "" for a row without a box."""
        if not self.label:
            return [(self.names or ("object",))[0]] * len(cells[self.image])
        known = {} if self.names_file is None else _read_names(Path(self.names_file))
        found = [str(cell).strip() for cell in cells[self.label]]
        empty = zip(*(cells[column] for column in self.box), strict=True)
        return [
            "" if all(map(is_empty, box)) else known.get(name, name) for name, box in zip(found, empty, strict=True)
        ]

    def _row(
        self, image: str, rows: list[int], cells: Mapping[str, Sequence[Any]], classes: list[str], folder: Path
    ) -> BoxRow:
        path, first = Path(self.path), rows[0]
        read = [capture(self._box, cells, classes[row], row) for row in rows]
        boxes = capture(lambda: tuple(box for box in unwrap_all(read) if box is not None))
        size = [cells[column][first] for column in self.size]
        stated = None if not size or all(map(is_empty, size)) else capture(cell_numbers, size, 2, "size", path, first)
        if isinstance(stated, DataError):
            boxes, stated = stated, None
        file = capture(path_inside, folder, image, path=path, row=first)
        if isinstance(file, DataError):
            boxes, file = file, image
        size_hw = None if stated is None else (int(stated[1]), int(stated[0]))
        key = f"{self.only[1]}/{first}" if self.only else str(first)
        return BoxRow(key, with_image_ending(folder, file), boxes, path, first, size_hw, self.normalized)

    def _box(self, cells: Mapping[str, Sequence[Any]], name: str, row: int) -> NamedBox | None:
        """Returns the box of a row; None for a row without one."""
        path, box = Path(self.path), [cells[column][row] for column in self.box]
        if all(map(is_empty, box)):
            return None
        if not name:
            raise DataError(f"{self.label}: got an empty cell; want the class of the box", path=path, row=row)
        xyxy = corners(self.form, cell_numbers(box, 4, ", ".join(self.box), path, row))
        return NamedBox(name, xyxy, row, bool(self.crowd) and str(cells[self.crowd][row]).strip() in ("1", "True"))


def _names(classes: Iterable[str], path: Path) -> tuple[str, ...]:
    found = collect_class_names(name for name in classes if name)
    if not found:
        raise DataError("boxes: got none; want at least one, or the names of the classes", path=path)
    return found


def _load(path: Path, columns: tuple[str, ...], header: tuple[str, ...]) -> Mapping[str, Sequence[Any]]:
    if not header:
        return load_columns(path, columns)
    unknown = [column for column in columns if column not in header]
    if unknown:
        raise ConfigError(f"BoxTable.header: got {header}; want the column {unknown[0]!r} in it")
    found: dict[str, list[Any]] = {column: [] for column in columns}
    for row, cells in enumerate(read_csv(path)):
        if len(cells) != len(header):
            raise DataError(f"columns: got {len(cells)}; want {len(header)}: {', '.join(header)}", path=path, row=row)
        for column in columns:
            found[column].append(cells[header.index(column)])
    return found


def _read_names(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for row, cells in enumerate(read_csv(path)):
        if len(cells) != 2:
            raise DataError(f"columns: got {len(cells)}; want 2: a class and its name", path=path, row=row)
        found[cells[0].strip()] = cells[1].strip()
    return found
