"""The arguments of a reader in a recipe."""

from __future__ import annotations

import re
from pathlib import Path

from motet.data.detect import DetectedDataset

_OFFICIAL_COCO = re.compile(r"(captions|instances|person_keypoints)_[a-z]+\d{4}")


def reader_arguments(one: DetectedDataset) -> dict[str, object]:
    """Returns the reader's arguments, with an image prefix for the user's own files: the default is COCO's."""
    arguments = dict(one.arguments)
    path = arguments.get("annotations")
    if (
        one.reader in ("CocoCaptions", "CocoInstances")
        and isinstance(path, Path)
        and not _OFFICIAL_COCO.search(path.name)
    ):
        arguments.setdefault("image_prefix", path.resolve().parent.name)
    return arguments
