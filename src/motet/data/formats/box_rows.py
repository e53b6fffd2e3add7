"""Rows of images with boxes and the names of their classes, and their Examples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from motet.core import DataError, Example, nearest
from motet.data.formats.boxes import FileBox, pack_boxes, to_box_set
from motet.data.formats.columns import collect_class_names
from motet.data.formats.deferred import unwrap
from motet.data.formats.image_size import check_size
from motet.data.formats.paths import image_at


class NamedBox(NamedTuple):
    """One box of a file.

    Args:
        name: of its class.
        xyxy: left, top, right, bottom, in pixels or as shares of the image's sides, see `BoxRow`.
        row: its row, entry or line in the file, for errors.
        crowd: see `FileBox`.
    """

    name: str
    xyxy: tuple[float, float, float, float]
    row: int | str
    crowd: bool = False


class BoxRow(NamedTuple):
    """An image with its boxes.

    Args:
        key: of the row among all, for the id of its Example.
        image: the file of the image, relative to the folder of the images.
        boxes: of the image, or the error in them.
        path: the file that has the boxes.
        row: its row, entry or line in that file, for errors.
        size_hw: height and width that the file states; None where it states none.
        normalized: the boxes are shares of the image's sides, 0 to 1, instead of pixels.
    """

    key: str
    image: str
    boxes: tuple[NamedBox, ...] | DataError
    path: Path
    row: int | str
    size_hw: tuple[int, int] | None = None
    normalized: bool = False


@dataclass(frozen=True)
class BoxRows:
    """The rows of a data set.

    Args:
        rows: one per image.
        names: the classes and their order.
        images: the folder of the images.
        prefix: of the ids of Examples.
        image_prefix: of the ids of images, before their file.
        clip: see `to_box_set`.
    """

    rows: tuple[BoxRow, ...]
    names: tuple[str, ...]
    images: Path
    prefix: str
    image_prefix: str
    clip: bool

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image id of a row."""
        return (f"{self.image_prefix}/{self.rows[index].image}",)

    def __getitem__(self, index: int) -> Example:
        row = self.rows[index]
        boxes = unwrap(row.boxes)
        file = image_at(self.images / row.image, path=row.path, row=row.row)
        size_hw = check_size(row.size_hw, file.path, path=row.path, row=row.row)
        height, width = size_hw if row.normalized else (1, 1)
        packed = pack_boxes(
            [FileBox(_scaled(box, width, height), self._label(box, row), box.row, box.crowd) for box in boxes]
        )
        return Example(
            id=f"{self.prefix}/{row.key}",
            images=(file,),
            image_ids=self.keys(index),
            labels={"boxes": to_box_set(packed, size_hw, clip=self.clip, path=row.path)},
        )

    def _label(self, box: NamedBox, row: BoxRow) -> int:
        if box.name not in self.names:
            hint = nearest(box.name, self.names)
            got = f"got {box.name!r}, a class that names lacks; want one of names ({hint})"
            raise DataError(f"class: {got}", path=row.path, row=box.row)
        return self.names.index(box.name)


def _scaled(box: NamedBox, width: int, height: int) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box.xyxy
    return x0 * width, y0 * height, x1 * width, y1 * height


def box_names(rows: Iterable[BoxRow], path: Path) -> tuple[str, ...]:
    """Returns the classes of all boxes, sorted, by value where all of them are numbers.

    Args:
        rows: with boxes; those with an error have none.
        path: the file or folder, for the error.

    Raises:
        DataError: there is no box; the first error of a row where there is one.
    """
    boxes = [row.boxes for row in rows]
    found = {box.name for one in boxes if not isinstance(one, DataError) for box in one}
    if not found:
        unwrap(next((one for one in boxes if isinstance(one, DataError)), None))  # where all are broken, that is why
        raise DataError("boxes: got none; want at least one, or the names of the classes", path=path)
    return collect_class_names(found)


def corners_around(points: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Returns the upright box around points.

    Examples:
        >>> corners_around([(3.0, 1.0), (0.0, 2.0)])
        (0.0, 1.0, 3.0, 2.0)
    """
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def rotated_corners(
    xyxy: tuple[float, float, float, float], angle_deg: float, centre: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Returns the upright box around a rotated one.

    Args:
        xyxy: the box before it is rotated.
        angle_deg: by which it is rotated, clockwise, as y points down.
        centre: the point that stays where it is.

    Examples:
        >>> [round(value, 3) for value in rotated_corners((0, 0, 4, 2), 90, (2, 1))]
        [1.0, -1.0, 3.0, 3.0]
    """
    if angle_deg % 360 == 0:
        return xyxy
    x0, y0, x1, y1 = xyxy
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    sides = [(x - centre[0], y - centre[1]) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return corners_around([(centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine) for x, y in sides])
