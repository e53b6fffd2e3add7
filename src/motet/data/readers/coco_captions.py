"""COCO captions: `annotations/captions_train2017.json` beside `train2017/`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example
from motet.data.formats.deferred import capture, unwrap, unwrap_all
from motet.data.formats.json_file import get_field, get_key, get_text, load_json
from motet.data.formats.paths import coco_id, default_name, image_at, path_inside

_OFFICIAL = re.compile(r"captions_([a-z]+)(\d{4})")


class _Row(NamedTuple):
    number: int | str
    file: str
    captions: tuple[str, ...] | DataError
    entry: int


@dataclass(frozen=True)
class CocoCaptions:
    """COCO 2014 or 2017 captions, one Example per captioned image; labels: "captions", in the order of the file.

    Args:
        annotations: `captions_train2017.json`, or your own file with its keys: `images` (`id`, `file_name`) and
            `annotations` (`image_id`, `caption`).
        images: the folder that `file_name` is relative to.
        name: prefix of Example ids; by default "coco2017/train", from the file's name.
        image_prefix: prefix of image ids, before the file's name. The default is correct for COCO images only, whose
            number follows it; your own files with other images need another one.

    Raises:
        DataError: no such file, not JSON, a missing key, a wrong type, an id that occurs twice, no caption at all, a
            caption of an unknown image. An empty caption raises when its row is read.
    """

    annotations: Path | str
    images: Path | str
    name: str = ""
    image_prefix: str = "coco"
    _prefix: str = field(init=False, repr=False, compare=False)
    _rows: tuple[_Row, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        path = Path(self.annotations)
        rows = _rows(load_json(path), path, Path(self.images))
        if not rows:
            raise DataError("annotations: got no caption; want at least one", path=path)
        object.__setattr__(self, "_prefix", self.name or _name(path))
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        row = self._rows[index]
        key = f"{self.image_prefix}/{row.file}"
        return (coco_id(row.number) if self.image_prefix == "coco" and isinstance(row.number, int) else key,)

    def __getitem__(self, index: int) -> Example:
        row = self._rows[index]
        captions = unwrap(row.captions)
        image = image_at(Path(self.images) / row.file, path=Path(self.annotations), row=row.entry)
        return Example(
            id=f"{self._prefix}/{row.number}",
            images=(image,),
            image_ids=self.keys(index),
            labels={"captions": captions},
        )


def _name(path: Path) -> str:
    found = _OFFICIAL.match(path.name)
    return f"coco{found[2]}/{found[1]}" if found else default_name(path)


def _rows(data: object, path: Path, images: Path) -> tuple[_Row, ...]:
    """Returns one row per image with captions, in the order of `images`; rows of errors count from 0 in their list."""
    files: dict[int | str, tuple[str, int]] = {}
    for row, entry in enumerate(get_field(data, "images", list, path=path)):
        image = get_key(entry, "id", path=path, row=row)
        file = path_inside(images, get_field(entry, "file_name", str, path=path, row=row), path=path, row=row)
        if image in files and files[image][0] != file:
            raise DataError(f"images: got the id {image} twice; want every id once", path=path, row=row)
        files[image] = (file, row)
    captions: dict[int | str, list[str | DataError]] = {}
    orphans: list[_Row] = []
    for row, entry in enumerate(get_field(data, "annotations", list, path=path)):
        image = get_key(entry, "image_id", path=path, row=row)
        if image not in files:
            error = DataError(f"image_id: got {image}; want the id of an entry of images", path=path, row=row)
            orphans.append(_Row(image, "", error, row))
            continue
        get_field(entry, "caption", str, path=path, row=row)
        captions.setdefault(image, []).append(capture(get_text, entry, "caption", path=path, row=row))
    rows = [
        _Row(image, file, capture(unwrap_all, captions[image]), row)
        for image, (file, row) in files.items()
        if image in captions
    ]
    # One caption without its image does not hide the others: it is a row that cannot be read.
    return (*rows, *orphans) if rows else tuple(orphans)
