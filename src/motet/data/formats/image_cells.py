"""Image cells of tables: a path, encoded bytes, both in a struct (Hugging Face), or a list of these."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, ImageFile, MemoryImage
from motet.data.formats.json_file import short_repr
from motet.data.formats.paths import image_at, path_inside


class CellContext(NamedTuple):
    """Paths and id prefixes of a table, which its image cells are read with.

    Args:
        path: the table.
        root: the folder that paths are relative to.
        row_prefix: prefix of the ids of images without a path, before the row and the place in it.
        file_prefix: prefix of the ids of images with a path, before the path.
    """

    path: Path
    root: Path
    row_prefix: str
    file_prefix: str


def cell_images(cells: list[object], where: CellContext, row: int) -> tuple[ImageFile, ...]:
    """Returns the images of a row.

    Raises:
        DataError: a cell that holds no image, a path that leads out of the root, or one without a file.
    """
    return tuple(_image(part, where, row) for part in _parts(cells))


def cell_ids(cells: list[object], where: CellContext, row: int) -> tuple[str, ...]:
    """Returns the ids of the images of a row without reading them; a broken cell gets the id of its row."""
    if len(cells) == 1 and isinstance(cells[0], str):
        return (_id(cells[0], where, row, ""),)  # the common case, fast for a million rows
    parts = _parts(cells)
    return tuple(_id(part, where, row, "" if len(parts) == 1 else f".{place}") for place, part in enumerate(parts))


def _parts(cells: list[object]) -> list[object]:
    return [part for cell in cells for part in (cell if isinstance(cell, list | tuple) else (cell,))]


def _file(cell: object) -> object:
    """Returns the path in a cell that holds no bytes."""
    if isinstance(cell, dict):
        return cell.get("path") if cell.get("bytes") is None else None
    return cell


def _image(cell: object, where: CellContext, row: int) -> ImageFile:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(data, bytes) and data:
        return MemoryImage(f"{where.path}, row {row}", data)
    file = _file(cell)
    if not isinstance(file, str) or not file:
        raise DataError(f"image: got {short_repr(cell)}; want a path or encoded bytes", path=where.path, row=row)
    return image_at(where.root / path_inside(where.root, file, path=where.path, row=row), path=where.path, row=row)


def _id(cell: object, where: CellContext, row: int, place: str) -> str:
    file = _file(cell)
    if isinstance(file, str) and file:
        try:
            return f"{where.file_prefix}/{path_inside(where.root, file, path=where.path, row=row)}"
        except DataError:
            pass  # raised when the row itself is read
    return f"{where.row_prefix}/{row}{place}"
