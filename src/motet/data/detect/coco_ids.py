"""Distinction of COCO's images, whose numbers are the same in all data sets, from images that are only named alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motet.data.detect.image_folders import ImagesAt

_RELEASE = re.compile(r"(train|val|test|unlabeled)[a-z-]*(20\d\d)")
_FILE = re.compile(r"(?:COCO_(?:train|val|test)20\d\d_)?(\d{12})\.jpg")


@dataclass(frozen=True)
class ListedImages:
    """A JSON file with the images that it lists.

    Args:
        path: of the file.
        data: its content.
        images: number, or other id, of each image as a text -> its file name.
        at: the folder of the images.
    """

    path: Path
    data: Any = field(repr=False)
    images: Mapping[str, str] = field(repr=False)
    at: ImagesAt

    @property
    def folder(self) -> Path:
        """The folder of the images; that of the file where none was found."""
        return self.at.folder or self.path.parent


@dataclass(frozen=True)
class _Numbers:
    """The numbers of the images of one split ("train" of train2017) of one release."""

    split: str
    year: str
    numbers: frozenset[int]


def files_of_coco(files: Sequence[ListedImages]) -> frozenset[Path]:
    """Returns the paths of the files whose images are COCO's.

    Their names are their numbers in twelve digits, and the file, the folder or the names say which release they are of.
    No two splits of a release share a number: files that do are of other images in COCO's layout.
    """
    known = {file.path: numbers for file in files if (numbers := _numbers(file)) is not None}
    return frozenset(
        path
        for path, one in known.items()
        if not any(
            one.year == other.year and one.split != other.split and not one.numbers.isdisjoint(other.numbers)
            for other in known.values()
        )
    )


def _numbers(file: ListedImages) -> _Numbers | None:
    subtype = file.data.get("data_subtype") if isinstance(file.data, dict) else None
    places = [*list(file.images.values())[:1], file.path.name, str(subtype), file.folder.name]
    release = next((found for place in places if (found := _RELEASE.search(place))), None)
    matches = [(key, _FILE.fullmatch(Path(name).name)) for key, name in file.images.items()]
    numbers = frozenset(int(match[1]) for key, match in matches if match and key == str(int(match[1])))
    if release is None or not matches or len(numbers) < len(matches):
        return None
    return _Numbers(release[1], release[2], numbers)
