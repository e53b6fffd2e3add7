"""Boxes of a file, checked against their image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from motet.core import BoxSet, DataError

# Tools that count pixels from 0, tools that count from 1, and tools that round differ by one pixel at the border.
BORDER_PX = 1.0


class FileBox(NamedTuple):
    """One box of a file.

    Args:
        xyxy: left, top, right, bottom in pixels of the image, whose first pixel spans 0 to 1.
        label: index of its class.
        row: its row, entry or line in the file, for errors.
        crowd: a region of many objects, or a box that does not count: it is neither trained on nor evaluated.
        attributes: indices of its attributes.
        area: pixels of the object itself; None for the area of the box.
    """

    xyxy: tuple[float, float, float, float]
    label: int
    row: int | str
    crowd: bool = False
    attributes: tuple[int, ...] = ()
    area: float | None = None


@dataclass(frozen=True)
class PackedBoxes:
    """The boxes of one image as arrays, since a data set can have a million boxes.

    Args:
        xyxy: see `FileBox`.
        labels: see `FileBox`.
        rows: see `FileBox.row`.
        crowd: empty when no box is a crowd.
        attributes: empty when no box has any.
        areas: empty when one is unknown.
    """

    xyxy: Float[np.ndarray, "n 4"]
    labels: Int[np.ndarray, "n"]
    rows: tuple[int | str, ...]
    crowd: Bool[np.ndarray, "m"]
    attributes: tuple[tuple[int, ...], ...]
    areas: Float[np.ndarray, "k"]

    def __len__(self) -> int:
        return len(self.labels)


def pack_boxes(boxes: Sequence[FileBox]) -> PackedBoxes:
    """Packs the boxes of one image; an empty list is legal."""
    crowd = [box.crowd for box in boxes]
    attributes = tuple(box.attributes for box in boxes)
    areas = [box.area for box in boxes if box.area is not None]
    return PackedBoxes(
        xyxy=np.array([box.xyxy for box in boxes], dtype=np.float64).reshape(-1, 4),
        labels=np.array([box.label for box in boxes], dtype=np.int64),
        rows=tuple(box.row for box in boxes),
        crowd=np.array(crowd if any(crowd) else [], dtype=bool),
        attributes=attributes if any(attributes) else (),
        areas=np.array(areas if len(areas) == len(boxes) else [], dtype=np.float32),
    )


def to_box_set(packed: PackedBoxes, size_hw: tuple[int, int], *, clip: bool, path: Path) -> BoxSet:
    """Returns the annotation of an image: boxes that are inside it and have an area.

    A box that exceeds the border by at most `BORDER_PX` is clipped, since that much is rounding. A larger excess is an
    error; with `clip` such a box is clipped too, and dropped if it has no area then, as in DETR's preparation of COCO.
    `BoxSet.cut` and `BoxSet.dropped` list them.

    Args:
        packed: the boxes.
        size_hw: height and width of the image.
        clip: clip boxes that exceed the image and drop those without an area.
        path: the file that has them, for the error.

    Raises:
        DataError: a coordinate that is NaN or infinite, or without `clip` a box outside the image or without an area.
            It names the box's row in the file.
    """
    _check_all(~np.all(np.isfinite(packed.xyxy), axis=1), "four finite numbers", packed, path)
    height, width = size_hw
    far = np.array([width, height, width, height], dtype=np.float64)
    beyond = np.any((packed.xyxy < -BORDER_PX) | (packed.xyxy > far + BORDER_PX), axis=1)
    inside, ordered = f"a box inside the image of {width} x {height} pixels", "left < right and top < bottom"
    if not clip:
        # The area first: for a box whose left and right are swapped that is the better message.
        _check_all(_is_empty(packed.xyxy), ordered, packed, path)
        _check_all(beyond, inside, packed, path)
    corners = np.clip(packed.xyxy, 0, far)
    valid = ~_is_empty(corners)
    if not clip:
        _check_all(~valid, inside, packed, path)
    in_it = f"{ordered}, in the image of {width} x {height} pixels"
    return BoxSet(
        boxes_xyxy=corners[valid].astype(np.float32),
        labels=packed.labels[valid],
        scores=np.ones(int(valid.sum()), dtype=np.float32),
        attributes=tuple(each for each, keep in zip(packed.attributes, valid, strict=False) if keep),
        crowd=packed.crowd[valid] if len(packed.crowd) else packed.crowd,
        areas=packed.areas[valid] if len(packed.areas) else packed.areas,
        cut=tuple(str(_error(int(row), inside, packed, path)) for row in np.flatnonzero(beyond & valid)),
        dropped=tuple(str(_error(int(row), in_it, packed, path)) for row in np.flatnonzero(~valid)),
    )


def _is_empty(corners: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, "n"]:
    found: np.ndarray = (corners[:, 2] <= corners[:, 0]) | (corners[:, 3] <= corners[:, 1])
    return found


def _check_all(wrong: np.ndarray, want: str, packed: PackedBoxes, path: Path) -> None:
    if wrong.any():
        raise _error(int(np.argmax(wrong)), want, packed, path)


def _error(box: int, want: str, packed: PackedBoxes, path: Path) -> DataError:
    corners = ", ".join(f"{value:g}" for value in packed.xyxy[box])
    return DataError(f"box: got ({corners}) as left, top, right, bottom; want {want}", path=path, row=packed.rows[box])
