"""LabelMe: one JSON of shapes per image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.core import DataError
from motet.data.formats.box_rows import BoxRow, BoxRows, NamedBox, box_names, corners_around
from motet.data.formats.deferred import capture
from motet.data.formats.json_file import check_type, get_field, get_floats, get_size_hw, get_text, load_json
from motet.data.formats.paths import annotated_image, default_name, file_names
from motet.data.formats.wrapped_reader import WrappedReader

_WITHOUT_AREA = frozenset({"point", "points", "line", "linestrip"})


@dataclass(frozen=True)
class LabelMe(WrappedReader):
    """LabelMe's shapes as boxes, one Example per file; labels: "boxes", a `BoxSet` in pixels of the image.

    Rectangles are boxes; of polygons, circles and masks the upright box around them is read. Points and lines have no
    box and are left out.

    Args:
        annotations: the folder of the JSON files; others in it are left out.
        images: the folder of the images; by default the same. The image of `a.json` is called `a.jpg`, or as its
            `imagePath` says.
        names: the classes and their order; by default all of the folder, sorted. Give the other parts those of the
            training part.
        name: prefix of Example ids; by default the folder's name.
        image_prefix: prefix of image ids, before the image's file; by default the images' folder's name.
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such folder, or no file of LabelMe in it. An error within a file or an image raises when its row
            is read.
    """

    annotations: Path | str
    images: Path | str | None = None
    names: tuple[str, ...] = ()
    name: str = ""
    image_prefix: str = ""
    empty: bool = True
    clip: bool = False

    def __post_init__(self) -> None:
        folder = Path(self.annotations)
        images = folder if self.images is None else Path(self.images)
        files = (folder / name for name in file_names(folder) if name.endswith(".json"))
        found = (_row(file, images) for file in files)
        rows = tuple(row for row in found if row is not None and (self.empty or row.boxes))
        if not rows:
            raise DataError("files: got no JSON of LabelMe; want at least one", path=folder)
        object.__setattr__(self, "names", self.names or box_names(rows, folder))
        prefix, image_prefix = self.name or default_name(folder), self.image_prefix or default_name(images)
        object.__setattr__(self, "_rows", BoxRows(rows, self.names, images, prefix, image_prefix, self.clip))


def _row(path: Path, images: Path) -> BoxRow | None:
    """Returns the row of a file; None for JSON that is not LabelMe's."""
    data = capture(load_json, path)
    if isinstance(data, DataError):
        return BoxRow(path.stem, annotated_image(images, path.stem, ""), data, path, path.stem)
    if not isinstance(data, dict) or not isinstance(data.get("shapes"), list):
        return None
    boxes = capture(lambda: tuple(filter(None, (_box(shape, path, row) for row, shape in enumerate(data["shapes"])))))
    size = {"height": data.get("imageHeight"), "width": data.get("imageWidth")}
    size_hw = capture(get_size_hw, size, path=path, row=path.stem)
    if isinstance(size_hw, DataError):
        boxes, size_hw = size_hw, None
    named = data.get("imagePath")
    image = annotated_image(images, path.stem, named if isinstance(named, str) else "")
    return BoxRow(path.stem, image, boxes, path, path.stem, size_hw)


def _box(shape: Any, path: Path, row: int) -> NamedBox | None:
    kind = check_type(shape, dict, "shape", path=path, row=row).get("shape_type") or "polygon"
    if kind in _WITHOUT_AREA:
        return None
    name = get_text(shape, "label", path=path, row=row)
    points = [
        get_floats({"points": point}, "points", 2, "x, y", path=path, row=row)
        for point in get_field(shape, "points", list, path=path, row=row)
    ]
    if len(points) < 2:
        raise DataError(f"points: got {len(points)}; want at least 2 of a {kind}", path=path, row=row)
    pairs = [(x, y) for x, y in points]
    if kind == "circle":  # its centre, and a point on it
        (x, y), on = pairs[0], pairs[1]
        radius = math.dist((x, y), on)
        pairs = [(x - radius, y - radius), (x + radius, y + radius)]
    return NamedBox(name, corners_around(pairs), row)
