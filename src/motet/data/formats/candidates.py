"""Candidate boxes of one image, one of which an expression refers to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from motet.core import DataError
from motet.data.formats.boxes import BORDER_PX
from motet.data.formats.json_file import get_floats

Corners: TypeAlias = tuple[float, float, float, float]


class Candidate(NamedTuple):
    """One candidate box.

    Args:
        key: its id in the file.
        xyxy: left, top, right, bottom in pixels of the image.
    """

    key: str
    xyxy: Corners


class ReferredCandidates(NamedTuple):
    """The valid candidate boxes of an image, and the one that is referred to.

    Args:
        boxes: left, top, right, bottom in pixels, clipped at the border.
        target: index of the box that is referred to.
    """

    boxes: tuple[Corners, ...]
    target: int


def get_corners(entry: object, key: str, *, path: Path, row: int | str) -> Corners:
    """Returns left, top, right, bottom of a box that is stored as left, top, width, height.

    Raises:
        DataError: not four numbers.
    """
    left, top, width, height = get_floats(entry, key, 4, "left, top, width, height", path=path, row=row)
    return left, top, left + width, top + height


def referred_candidates(
    candidates: Sequence[Candidate], key: str, size_hw: tuple[int, int], *, path: Path, row: int | str
) -> ReferredCandidates:
    """Returns the valid candidates in their order, and the index of the one that is referred to.

    Another candidate that has no area or is outside the image is dropped; published data sets have a few.

    Args:
        candidates: all boxes of the image.
        key: the id of the box that is referred to.
        size_hw: height and width of the image.
        path: the file, for the error.
        row: the row of the expression, for the error.

    Raises:
        DataError: no candidate has this id, or the box that is referred to has no area or exceeds the image by more
            than a pixel.
    """
    valid: list[Corners] = []
    target = -1
    for one in candidates:
        box = clip_to_image(one.xyxy, size_hw)
        if one.key == key:
            if box is None:
                raise DataError(outside_message(one.xyxy, size_hw), path=path, row=row)
            target = len(valid)
        if box is not None:
            valid.append(box)
    if target < 0:
        raise DataError(
            f"box: got the id {key}; want one of the {len(candidates)} boxes of its image", path=path, row=row
        )
    return ReferredCandidates(tuple(valid), target)


def clip_to_image(box: Corners, size_hw: tuple[int, int]) -> Corners | None:
    """Returns the box clipped at the image's border; None if it exceeds it by more than a pixel or has no area."""
    height, width = size_hw
    left, top, right, bottom = box
    clipped = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    sound = (
        all(abs(a - b) <= BORDER_PX for a, b in zip(box, clipped, strict=True))
        and clipped[0] < clipped[2]
        and clipped[1] < clipped[3]
    )
    return clipped if sound else None


def outside_message(box: Corners, size_hw: tuple[int, int]) -> str:
    """Returns the message of the error that a box is not inside its image."""
    corners = ", ".join(f"{value:g}" for value in box)
    return (
        f"box: got ({corners}) as left, top, right, bottom; want a box with an area inside the image of "
        f"{size_hw[1]} x {size_hw[0]} pixels"
    )
