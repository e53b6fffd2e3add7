"""COCO panoptic: `annotations/panoptic_train2017.json`, the PNGs of its folder, and `train2017/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from motet.core import DataError, Example
from motet.core.panoptic import PanopticMap
from motet.data.formats.image_size import check_size
from motet.data.formats.json_file import check_type, get_field, get_key, get_number, get_size_hw, load_json
from motet.data.formats.paths import coco_id, default_name, image_at, path_inside
from motet.data.formats.png_values import png_values

_OFFICIAL = re.compile(r"panoptic_([a-z]+)(\d{4})")


class _Row(NamedTuple):
    number: int | str
    image: str
    size_hw: tuple[int, int] | None
    map: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    crowd: tuple[bool, ...]


@dataclass(frozen=True)
class CocoPanoptic:
    """COCO images with their segments; labels: "panoptic", a `PanopticMap` of the file's size.

    A PNG has the id of its segment at every pixel, red + 256 green + 65,536 blue; 0 is no segment. Segments are
    numbered from 1 in the order of the file.

    Args:
        annotations: `panoptic_train2017.json`, or your own file with its keys: `images` (`id`, `file_name`),
            `annotations` (`image_id`, `file_name` of the PNG, `segments_info` with `id`, `category_id`, `iscrowd`) and
            `categories` (`id`, `name`, `isthing`).
        images: the folder that the images' `file_name` is relative to.
        maps: the folder of the PNGs; by default that beside the annotations with their name.
        name: prefix of Example ids; by default "coco2017/train/panoptic", from the file's name.
        image_prefix: prefix of image ids; see `CocoInstances`.

    Raises:
        DataError: no such file, not JSON, a missing key, an id that occurs twice, an unknown category or image, or no
            image at all. A PNG that is missing, of another size, or with a segment that is not listed raises when its
            row is read.
    """

    annotations: Path | str
    images: Path | str
    maps: Path | str = ""
    name: str = ""
    image_prefix: str = "coco"
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _categories: tuple[tuple[str, bool], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        data = load_json(path)
        categories = _categories(data, path)
        folders = (Path(self.images), self._folder)
        rows = _rows(data, path, folders, {key: place for place, key in enumerate(categories)})
        if not rows:
            raise DataError("annotations: got none; want at least one", path=path)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_categories", tuple(categories.values()))

    @property
    def _folder(self) -> Path:
        return Path(self.maps) if self.maps else Path(self.annotations).with_suffix("")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their ids."""
        return tuple(name for name, _ in self._categories)

    @property
    def things(self) -> tuple[bool, ...]:
        """For each class whether it is countable, by its order in `names`."""
        return tuple(is_thing for _, is_thing in self._categories)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        row = self._rows[index]
        if self.image_prefix == "coco" and isinstance(row.number, int):
            return (coco_id(row.number),)
        return (f"{self.image_prefix}/{row.image}",)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.annotations)
        file = image_at(Path(self.images) / row.image, path=path, row=index)
        size_hw = check_size(row.size_hw, file.path, path=path, row=index)
        png = image_at(self._folder / row.map, path=path, row=index)
        return Example(
            id=f"{self.name or _name(path)}/{row.number}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"panoptic": read_segments(png.path, row.ids, row.labels, row.crowd, size_hw)},
        )


def read_segments(
    path: Path, ids: tuple[int, ...], labels: tuple[int, ...], crowd: tuple[bool, ...], size_hw: tuple[int, int]
) -> PanopticMap:
    """Reads a PNG of segment ids.

    Args:
        path: the file.
        ids: of the segments.
        labels: their classes.
        crowd: whether each is a crowd.
        size_hw: of the image.

    Raises:
        DataError: not a PNG with three channels of 8 bits, another size, or a segment that is not listed.
    """
    stored = png_values(path)
    if stored.ndim != 3 or stored.shape[2] < 3 or stored.dtype != np.uint8:
        raise DataError(
            f"panoptic map: got {stored.dtype} of shape {stored.shape}; want three channels of 8 bits", path=path
        )
    if stored.shape[:2] != tuple(size_hw):
        raise DataError(f"panoptic map: got {stored.shape[:2]}; want {tuple(size_hw)}, the image's size", path=path)
    found = stored[..., :3].astype(np.int64) @ np.array([1, 256, 65_536])
    known, inverse = np.unique(found, return_inverse=True)
    place = {0: 0} | {segment: number for number, segment in enumerate(ids, 1)}
    if missing := [int(one) for one in known if int(one) not in place]:
        raise DataError(
            f"panoptic map: got the segment {missing[0]}; want one of segments_info ({len(ids)} of them)", path=path
        )
    segments = np.array([place[int(one)] for one in known])[inverse.reshape(found.shape)]
    marked = np.array(crowd, dtype=bool) if any(crowd) else np.zeros(0, dtype=bool)
    return PanopticMap(segments, np.array(labels, dtype=np.int64), marked)


def _name(path: Path) -> str:
    found = _OFFICIAL.match(path.name)
    return f"coco{found[2]}/{found[1]}/panoptic" if found else default_name(path)


def _categories(data: object, path: Path) -> dict[int, tuple[str, bool]]:
    found: dict[int, tuple[str, bool]] = {}
    for row, entry in enumerate(get_field(data, "categories", list, path=path)):
        number = get_number(entry, "id", path=path, row=row)
        if number in found:
            raise DataError(f"categories: got the id {number} again; want every id once", path=path, row=row)
        is_thing = get_number(entry, "isthing", path=path, row=row) != 0
        found[number] = (get_field(entry, "name", str, path=path, row=row), is_thing)
    names = [name for name, _ in found.values()]
    if not names or len(set(names)) < len(names):
        raise DataError(f"categories: got {len(names)} with {len(set(names))} names; want each name once", path=path)
    return dict(sorted(found.items()))


def _rows(data: object, path: Path, folders: tuple[Path, Path], place_of: Mapping[int, int]) -> tuple[_Row, ...]:
    photos, maps = folders
    images: dict[int | str, tuple[str, tuple[int, int] | None]] = {}
    for row, entry in enumerate(get_field(data, "images", list, path=path)):
        key = get_key(entry, "id", path=path, row=row)
        if key in images:
            raise DataError(f"images: got the id {key} again; want every id once", path=path, row=row)
        name = path_inside(photos, get_field(entry, "file_name", str, path=path, row=row), path=path, row=row)
        images[key] = (name, get_size_hw(check_type(entry, dict, "images", path=path, row=row), path=path, row=row))
    found: dict[int | str, _Row] = {}
    for row, entry in enumerate(get_field(data, "annotations", list, path=path)):
        key = get_key(entry, "image_id", path=path, row=row)
        if key not in images or key in found:
            again = "again" if key in found else "of no image"
            raise DataError(f"image_id: got {key} {again}; want one entry of each image", path=path, row=row)
        segments = get_field(entry, "segments_info", list, path=path, row=row)
        ids = tuple(get_number(one, "id", path=path, row=row) for one in segments)
        numbers = tuple(get_number(one, "category_id", path=path, row=row) for one in segments)
        if len(set(ids)) < len(ids) or 0 in ids:
            raise DataError(f"segments_info: got the ids {ids[:9]}; want each once, from 1", path=path, row=row)
        if unknown := [number for number in numbers if number not in place_of]:
            raise DataError(f"category_id: got {unknown[0]}; want one of categories", path=path, row=row)
        crowd = tuple(bool(one.get("iscrowd", 0)) for one in segments)
        file = path_inside(maps, get_field(entry, "file_name", str, path=path, row=row), path=path, row=row)
        labels = tuple(place_of[number] for number in numbers)
        found[key] = _Row(key, *images[key], file, ids, labels, crowd)
    return tuple(found.values())
