"""The 19 evaluated classes of Cityscapes, and their lookup for data sets of rendered streets."""

from __future__ import annotations

from motet.data.formats.map_files import INVALID, class_table

CITYSCAPES_NAMES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
_NUM_IDS = 34
CITYSCAPES_LABEL_IDS = class_table(
    {number: place for place, number in enumerate(_IDS)},
    invalid=tuple(number for number in range(_NUM_IDS) if number not in _IDS),
)
"""The class of each `labelIds` number; -1 for those that are not evaluated."""


def cityscapes_class(name: str) -> int:
    """Returns the class of a name; -1 for one that is not evaluated.

    Examples:
        >>> cityscapes_class("sky"), cityscapes_class("lane marking")
        (10, -1)
    """
    return CITYSCAPES_NAMES.index(name) if name in CITYSCAPES_NAMES else INVALID
