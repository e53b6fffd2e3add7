"""COCO instances: `annotations/instances_train2017.json` beside `train2017/`, for object detection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.boxes import FileBox, PackedBoxes, pack_boxes, to_box_set
from motet.data.formats.coco_categories import Categories, read_categories
from motet.data.formats.deferred import capture, unwrap, unwrap_all
from motet.data.formats.image_size import check_size
from motet.data.formats.json_file import (
    check_type,
    get_field,
    get_floats,
    get_key,
    get_size_hw,
    load_json,
)
from motet.data.formats.paths import coco_id, default_name, image_at, path_inside

_OFFICIAL = re.compile(r"(?:instances|person_keypoints)_([a-z]+)(\d{4})")


class _Image(NamedTuple):
    number: int | str
    file: str
    size_hw: tuple[int, int] | None
    entry: int


class _Row(NamedTuple):
    image: _Image
    boxes: PackedBoxes | DataError


@dataclass(frozen=True)
class CocoInstances:
    """COCO boxes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the file.

    A crowd (`iscrowd`) is kept among the boxes and marked, since the evaluation needs it; `BoxSet.areas` are those of
    the file, which are the areas of the segments. An image without boxes has an empty set.

    Args:
        annotations: `instances_train2017.json`, or your own file with its keys: `images` (`id`, `file_name`, and
            `width` and `height` if known), `annotations` (`image_id`, `category_id`, `bbox` as left, top, width,
            height, and `iscrowd`, `area` if known) and `categories` (`id`, `name`).
        images: the folder that `file_name` is relative to.
        name: prefix of Example ids; by default "coco2017/train/instances", from the file's name.
        image_prefix: prefix of image ids, before the file's name. The default is correct for COCO images only, whose
            number follows it; your own files with other images need another one.
        names: the classes and their order; by default all of the file, by their ids, except categories without boxes
            that only group others. Give the other parts those of the training part where the files differ.
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them. Published COCO
            has two boxes of no area (in train2017).

    Raises:
        DataError: no such file, not JSON, a missing key, an id that occurs twice, a box of an unknown image, no
            image at all. An error within a box (four numbers, its class, its position) raises when its row is
            read, and so does an image of another size than the file states.
    """

    annotations: Path | str
    images: Path | str
    name: str = ""
    image_prefix: str = "coco"
    names: tuple[str, ...] = ()
    empty: bool = True
    clip: bool = False
    _prefix: str = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)
    _categories: Categories = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        data = load_json(path)
        categories = read_categories(data, path)
        names = self.names or categories.names
        rows = _rows(data, path, Path(self.images), categories.name_of, names)
        rows = rows if self.empty else tuple(row for row in rows if isinstance(row.boxes, DataError) or len(row.boxes))
        if not rows:
            raise DataError("images: got none; want at least one" + ("" if self.empty else " with a box"), path=path)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "_prefix", self.name or _name(path))
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_categories", categories)

    @property
    def category_ids(self) -> tuple[int, ...]:
        """The file's own number of each of `names`, for result files; -1 for a name that the file lacks."""
        return self._categories.numbers(self.names)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        image = self._rows[index].image
        key = f"{self.image_prefix}/{image.file}"
        return (coco_id(image.number) if self.image_prefix == "coco" and isinstance(image.number, int) else key,)

    def __getitem__(self, index: int) -> Example:
        row, path = self._rows[index], Path(self.annotations)
        boxes = unwrap(row.boxes)
        file = image_at(Path(self.images) / row.image.file, path=path, row=row.image.entry)
        size_hw = check_size(row.image.size_hw, file.path, path=path, row=row.image.entry)
        return Example(
            id=f"{self._prefix}/{row.image.number}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"boxes": to_box_set(boxes, size_hw, clip=self.clip, path=path)},
        )


def _name(path: Path) -> str:
    found = _OFFICIAL.match(path.name)
    return f"coco{found[2]}/{found[1]}/instances" if found else default_name(path)


def _rows(
    data: object, path: Path, images: Path, categories: Mapping[int | str, str], names: Sequence[str]
) -> tuple[_Row, ...]:
    known = _images(data, path, images)
    index_of = {name: index for index, name in enumerate(names)}
    labels = {key: index_of.get(name) for key, name in categories.items()}
    boxes: dict[int | str, list[FileBox | DataError]] = {image: [] for image in known}
    for row, entry in enumerate(get_field(data, "annotations", list, path=path)):
        image = get_key(entry, "image_id", path=path, row=row)
        if image not in known:
            raise DataError(f"image_id: got {image}; want the id of an entry of images", path=path, row=row)
        boxes[image].append(capture(_box, entry, labels, path, row))
    return tuple(_Row(image, capture(_pack, boxes[key])) for key, image in known.items())


def _pack(boxes: Sequence[FileBox | DataError]) -> PackedBoxes:
    return pack_boxes(unwrap_all(boxes))


def _images(data: object, path: Path, images: Path) -> dict[int | str, _Image]:
    found: dict[int | str, _Image] = {}
    for row, entry in enumerate(get_field(data, "images", list, path=path)):
        key = get_key(entry, "id", path=path, row=row)
        file = path_inside(images, get_field(entry, "file_name", str, path=path, row=row), path=path, row=row)
        if key in found and found[key].file != file:
            raise DataError(f"images: got the id {key} twice; want every id once", path=path, row=row)
        found[key] = _Image(key, file, get_size_hw(entry, path=path, row=row), row)
    return found


def _box(entry: object, labels: Mapping[int | str, int | None], path: Path, row: int) -> FileBox:
    category = get_key(entry, "category_id", path=path, row=row)
    label = labels.get(category)
    if label is None:
        wrong = "a class that is not among the given names" if category in labels else "a class without a name"
        raise DataError(f"category_id: got {category}, {wrong}; want one of {len(labels)}", path=path, row=row)
    x, y, width, height = get_floats(entry, "bbox", 4, "left, top, width, height", path=path, row=row)
    values = check_type(entry, dict, "entry", path=path, row=row)
    # Tools write null for what they do not know, and false for 0.
    area, crowd = values.get("area"), values.get("iscrowd")
    crowd = crowd if isinstance(crowd, bool) else check_type(crowd or 0, int, "iscrowd", path=path, row=row)
    area = None if area is None else check_type(area, float, "area", path=path, row=row)
    return FileBox((x, y, x + width, y + height), label, row, crowd=bool(crowd), area=area)
