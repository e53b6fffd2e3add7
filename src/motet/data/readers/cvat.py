"""CVAT: one XML of shapes on images, its export "CVAT for images 1.1"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from motet.core import DataError
from motet.data.formats.box_rows import BoxRow, BoxRows, NamedBox, box_names, corners_around, rotated_corners
from motet.data.formats.deferred import capture
from motet.data.formats.json_file import short_repr
from motet.data.formats.paths import default_name, path_inside
from motet.data.formats.wrapped_reader import WrappedReader
from motet.data.formats.xml_file import load_xml

_MAX_BYTES = 1024**3  # all images of a task are in one file
_WITHOUT_AREA = frozenset({"points", "polyline", "skeleton", "tag", "cuboid"})


@dataclass(frozen=True)
class Cvat(WrappedReader):
    """CVAT's shapes as boxes, one Example per image; labels: "boxes", a `BoxSet` in pixels of the image.

    Of polygons, ellipses, masks and rotated boxes the upright box around them is read. Tags, points, lines, skeletons
    and cuboids are left out.

    Args:
        path: `annotations.xml`.
        images: the folder that the names of the images are relative to.
        subset: the subset of the rows, as the export calls it: "Train", "Validation"; "" for all.
        names: the classes and their order; by default all of the file, sorted, so that all subsets agree.
        name: prefix of Example ids; by default the folder's and the file's name, and the subset.
        image_prefix: prefix of image ids, before the image's file; by default the images' folder's name.
        empty: make rows of images without boxes too.
        clip: clip boxes at the border and drop those without an area, instead of refusing them.

    Raises:
        DataError: no such file, another XML, or no image. An error within a shape or an image raises when its row is
            read.
    """

    path: Path | str
    images: Path | str
    subset: str = ""
    names: tuple[str, ...] = ()
    name: str = ""
    image_prefix: str = ""
    empty: bool = True
    clip: bool = False

    def __post_init__(self) -> None:
        path, images = Path(self.path), Path(self.images)
        root = load_xml(path, "annotations", max_bytes=_MAX_BYTES)
        if root.find("track") is not None:
            raise DataError("XML: got tracks in a video; want an export as 'CVAT for images 1.1'", path=path)
        found = [(element.get("subset", ""), _row(element, images, path)) for element in root.iterfind("image")]
        rows = tuple(row for subset, row in found if self.subset in ("", subset) and (self.empty or row.boxes))
        if not rows:
            raise DataError("images: got none; want at least one" + (f" of {self.subset!r}" if self.subset else ""),
                            path=path)  # fmt: skip
        object.__setattr__(self, "names", self.names or box_names((row for _, row in found), path))
        prefix = self.name or "/".join(filter(None, (default_name(path), self.subset)))
        image_prefix = self.image_prefix or default_name(images)
        object.__setattr__(self, "_rows", BoxRows(rows, self.names, images, prefix, image_prefix, self.clip))


def _row(element: Element, images: Path, path: Path) -> BoxRow:
    key, file = element.get("id", ""), element.get("name", "")
    boxes = capture(lambda: tuple(_boxes(element, path, file)))
    size = capture(lambda: tuple(int(_number(element, side, path, file)) for side in ("height", "width")))
    inside = capture(path_inside, images, file, path=path, row=file)
    for found in (inside, size):
        boxes = found if isinstance(found, DataError) else boxes
    size_hw = None if isinstance(size, DataError) else (size[0], size[1])
    return BoxRow(key or file, file if isinstance(inside, DataError) else inside, boxes, path, file, size_hw)


def _boxes(element: Element, path: Path, file: str) -> Iterator[NamedBox]:
    for place, shape in enumerate(element):
        if shape.tag in _WITHOUT_AREA:
            continue
        row = f"{file}, shape {place}"
        name = shape.get("label", "").strip()
        if not name:
            raise DataError("label: got none; want the class of the shape", path=path, row=row)
        yield NamedBox(name, _corners(shape, path, row), row)


def _corners(shape: Element, path: Path, row: str) -> tuple[float, float, float, float]:
    match shape.tag:
        case "box":
            x0, y0, x1, y1 = (_number(shape, side, path, row) for side in ("xtl", "ytl", "xbr", "ybr"))
        case "mask":
            x0, y0, width, height = (_number(shape, side, path, row) for side in ("left", "top", "width", "height"))
            x1, y1 = x0 + width, y0 + height
        case "ellipse":
            x, y, rx, ry = (_number(shape, side, path, row) for side in ("cx", "cy", "rx", "ry"))
            x0, y0, x1, y1 = x - rx, y - ry, x + rx, y + ry
        case "polygon":
            return corners_around([_point(text, path, row) for text in shape.get("points", "").split(";")])
        case _:
            raise DataError(f"shape: got <{shape.tag}>; want a box, polygon, ellipse or mask", path=path, row=row)
    angle = _number(shape, "rotation", path, row) if shape.get("rotation") else 0.0
    return rotated_corners((x0, y0, x1, y1), angle, ((x0 + x1) / 2, (y0 + y1) / 2))


def _number(element: Element, name: str, path: Path, row: str) -> float:
    text = element.get(name, "")
    try:
        return float(text)
    except ValueError as error:
        raise DataError(f"{name}: got {short_repr(text)}; want a number", path=path, row=row) from error


def _point(text: str, path: Path, row: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(","))
    except ValueError as error:
        raise DataError(f"points: got {short_repr(text)}; want x,y;x,y;...", path=path, row=row) from error
    return x, y
