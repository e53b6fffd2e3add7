"""A row of a data set of images with maps: where they lie, and the Example of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.map_annotations import MapLabels
from motet.data.formats.map_files import MapFile
from motet.data.formats.paths import file_names, image_at, is_image


class MapRow(NamedTuple):
    """Where an image and its maps lie.

    Args:
        id: of the Example.
        image_id: of the image.
        image: its file.
        maps: annotation and map, as pairs.
    """

    id: str
    image_id: str
    image: Path
    maps: tuple[tuple[str, MapFile], ...]


def map_example(row: MapRow, *, path: Path, index: int) -> Example:
    """The Example of a row; nothing is decoded.

    Args:
        row: where things lie.
        path: the list or folder that asks for them, for errors.
        index: the place in it, for errors.

    Raises:
        DataError: the image or one of its maps is not there.
    """
    file = image_at(row.image, path=path, row=index)
    for _, given in row.maps:
        image_at(given.path, path=path, row=index)
    return Example(id=row.id, images=(file,), image_ids=(row.image_id,), labels=MapLabels(row.image, dict(row.maps)))


def image_names(folder: Path, ending: str = "") -> list[str]:
    """The names of a folder's images that end so, sorted.

    Raises:
        DataError: no such folder, or no such image in it.
    """
    found = [name for name in file_names(folder) if is_image(name) and name.endswith(ending)]
    if not found:
        raise DataError(f"images: got none{f' called *{ending}' if ending else ''}; want at least one", path=folder)
    return found
