"""Boxes as a file gives them, checked against their image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from motet.core import BoxSet, DataError

# Tools that count pixels from 0 and from 1, and whole pixels, differ by one at the border.
BORDER_PX = 1.0


class FileBox(NamedTuple):
    """One box of a file.

    Args:
        xyxy: left, top, right, bottom in pixels of the image, whose first pixel reaches from 0 to 1.
        label: index of its class.
        where: its row, entry or line in the file.
        crowd: a region of many, or one that does not count: neither learned from nor judged.
        attributes: indices of its attributes.
        area: pixels of the thing itself; None for the box's.
    """

    xyxy: tuple[float, float, float, float]
    label: int
    row: int | str
    crowd: bool = False
    attributes: tuple[int, ...] = ()
    area: float | None = None


@dataclass(frozen=True)
class PackedBoxes:
    """The boxes of one image, packed: a set of photographs has a million of them.

    Args:
        xyxy: see `FileBox`.
        labels: see `FileBox`.
        where: see `FileBox`.
        crowd: empty when none is one.
        attributes: empty when none has any.
        areas: empty when none is known.
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
    """Boxes of one image as arrays; none at all is legal."""
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
    """The truth of an image: boxes that lie in it and have an area.

    What lies up to `BORDER_PX` outside is cut at the border: that much is rounding. More is an error, or with `clip`
    cut too, and what has no area then is left out, as DETR's own preparation of COCO does.

    Args:
        given: the boxes of the file.
        size_hw: of the image.
        clip: cut what lies outside and leave out what has no area.
        path: the file that gives them, for the error.

    Raises:
        DataError: a number that is none (NaN, infinite), or without `clip` a box outside or without an area; names the
            box's place in the file.
    """
    _check_all(~np.all(np.isfinite(packed.xyxy), axis=1), "four finite numbers", packed, path)
    height, width = size_hw
    far = np.array([width, height, width, height], dtype=np.float64)
    beyond = (packed.xyxy < -BORDER_PX) | (packed.xyxy > far + BORDER_PX)
    if not clip:
        # The area first: a box from right to left is that, wherever it lies.
        _check_all(_is_empty(packed.xyxy), "left < right and top < bottom", packed, path)
        _check_all(np.any(beyond, axis=1), f"a box inside the image of {width} x {height} pixels", packed, path)
    corners = np.clip(packed.xyxy, 0, far)
    kept = ~_is_empty(corners)
    if not clip:
        _check_all(~kept, f"a box inside the image of {width} x {height} pixels", packed, path)
    return BoxSet(
        boxes_xyxy=corners[kept].astype(np.float32),
        labels=packed.labels[kept],
        scores=np.ones(int(kept.sum()), dtype=np.float32),
        attributes=tuple(one for one, keep in zip(packed.attributes, kept, strict=False) if keep),
        crowd=packed.crowd[kept] if len(packed.crowd) else packed.crowd,
        areas=packed.areas[kept] if len(packed.areas) else packed.areas,
    )


def _is_empty(corners: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, "n"]:
    found: np.ndarray = (corners[:, 2] <= corners[:, 0]) | (corners[:, 3] <= corners[:, 1])
    return found


def _check_all(wrong: np.ndarray, want: str, packed: PackedBoxes, path: Path) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        corners = ", ".join(f"{value:g}" for value in packed.xyxy[first])
        raise DataError(
            f"box: got ({corners}) as left, top, right, bottom; want {want}", path=path, row=packed.rows[first]
        )
