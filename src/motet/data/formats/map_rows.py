"""Rows of data sets of images with maps, and their Examples."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.map_annotations import MapLabels
from motet.data.formats.map_files import MapFile
from motet.data.formats.paths import file_names, image_at, is_image


class MapRow(NamedTuple):
    """The files of an image and its maps.

    Args:
        id: id of the Example.
        image_id: id of the image.
        image: the image file.
        maps: annotation and map, as pairs.
    """

    id: str
    image_id: str
    image: Path
    maps: tuple[tuple[str, MapFile], ...]


def map_example(row: MapRow, *, path: Path, index: int) -> Example:
    """Returns the Example of a row; nothing is decoded.

    Args:
        row: the files.
        path: the list or folder that names them, for errors.
        index: the row in it, for errors.

    Raises:
        DataError: the image or one of its maps does not exist.
    """
    file = image_at(row.image, path=path, row=index)
    for _, map_file in row.maps:
        image_at(map_file.path, path=path, row=index)
    return Example(id=row.id, images=(file,), image_ids=(row.image_id,), labels=MapLabels(row.image, dict(row.maps)))


def image_names(folder: Path, ending: str = "") -> list[str]:
    """Returns the names of a folder's images with an ending, sorted.

    Raises:
        DataError: no such folder, or no such image in it.
    """
    found = [name for name in file_names(folder) if is_image(name) and name.endswith(ending)]
    if not found:
        raise DataError(f"images: got none{f' called *{ending}' if ending else ''}; want at least one", path=folder)
    return found
