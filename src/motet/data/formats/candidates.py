"""Boxes of one image of which one is meant, as a file gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from motet.core import DataError
from motet.data.formats.boxes import BORDER_PX
from motet.data.formats.json_file import get_floats

Corners: TypeAlias = tuple[float, float, float, float]


class Candidate(NamedTuple):
    """One box.

    Args:
        key: its id in the file.
        xyxy: left, top, right, bottom in pixels of the image.
    """

    key: str
    xyxy: Corners


class ReferredCandidates(NamedTuple):
    """The boxes of an image that are sound, and which is meant.

    Args:
        boxes: left, top, right, bottom in pixels, cut at the border.
        place: of the one that is meant.
    """

    boxes: tuple[Corners, ...]
    target: int


def get_corners(entry: object, key: str, *, path: Path, row: int | str) -> Corners:
    """A box given as left, top, width, height.

    Raises:
        DataError: not four numbers.
    """
    left, top, width, height = get_floats(entry, key, 4, "left, top, width, height", path=path, row=row)
    return left, top, left + width, top + height


def referred_candidates(
    candidates: Sequence[Candidate], key: str, size_hw: tuple[int, int], *, path: Path, row: int | str
) -> ReferredCandidates:
    """The candidates in their order, and the place of the one that is meant.

    A candidate that is not meant and has no area, or lies outside, is left out; published sets have a few.

    Args:
        candidates: all boxes of the image.
        key: the id of the one that is meant.
        size_hw: of the image.
        path: the file, for the error.
        row: the row that means it, for the error.

    Raises:
        DataError: no candidate has this id, or the box that is meant has no area or lies outside by more than a pixel.
    """
    kept: list[Corners] = []
    place = -1
    for one in candidates:
        box = clip_to_image(one.xyxy, size_hw)
        if one.key == key:
            if box is None:
                raise DataError(outside_message(one.xyxy, size_hw), path=path, row=row)
            place = len(kept)
        if box is not None:
            kept.append(box)
    if place < 0:
        raise DataError(
            f"box: got the id {key}; want one of the {len(candidates)} boxes of its image", path=path, row=row
        )
    return ReferredCandidates(tuple(kept), place)


def clip_to_image(box: Corners, size_hw: tuple[int, int]) -> Corners | None:
    """The box cut at the image's border; None where more than a pixel of it lies outside, or it has no area."""
    height, width = size_hw
    left, top, right, bottom = box
    cut = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    sound = all(abs(a - b) <= BORDER_PX for a, b in zip(box, cut, strict=True)) and cut[0] < cut[2] and cut[1] < cut[3]
    return cut if sound else None


def outside_message(box: Corners, size_hw: tuple[int, int]) -> str:
    """The error line of a box that is not in its image."""
    given = ", ".join(f"{value:g}" for value in box)
    return (
        f"box: got ({given}) as left, top, right, bottom; want one with an area inside the image of "
        f"{size_hw[1]} x {size_hw[0]} pixels"
    )
