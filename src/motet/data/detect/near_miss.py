"""Files and folders that resemble a known format but are not read, with what keeps them from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NearMiss:
    """A file or folder that lies in a user's folder of data and is not read.

    Args:
        path: of the file or folder; of several alike, one of them.
        got: what it holds, and the format that it is nearest to.
        want: the one thing to change so that it is read.

    Examples:
        >>> print(NearMiss(Path("d/instances.json"), "COCO boxes without an annotation", "a list under 'annotations'"))
        d/instances.json: got COCO boxes without an annotation; want a list under 'annotations'
    """

    path: Path
    got: str
    want: str

    def __str__(self) -> str:
        return f"{self.path}: got {self.got}; want {self.want}"
