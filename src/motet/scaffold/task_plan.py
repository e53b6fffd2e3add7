"""A task of a recipe that is being written: what was detected for it."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import DataError
from motet.data.detect import DetectedDataset
from motet.data.readers import READERS

MAPS = frozenset({"segmentation", "depth", "surface normals", "edges"})
"""Kinds whose answer is a value per pixel; those of the same rows share a source."""
VIDEOS = frozenset({"video classification", "video captioning", "video retrieval"})
"""Kinds whose input is a video."""
_IMAGES_READ = 500  # for how many boxes an image may have


@dataclass(frozen=True)
class TaskPlan:
    """One task of a recipe: what was recognised for it, part by part.

    Args:
        name: its name, and that of its variable.
        parts: one or more entries of one data set; "" is cut into parts.
    """

    name: str
    parts: tuple[DetectedDataset, ...]

    @property
    def kind(self) -> str:
        """The kind of its task."""
        return self.parts[0].kind

    @property
    def training(self) -> DetectedDataset:
        """The part that is learned from."""
        return next(one for one in self.parts if one.split in ("train", ""))

    @property
    def reader(self) -> str:
        """The reader of its first part, a name in `READERS`."""
        return self.parts[0].reader

    @property
    def rows(self) -> int:
        """Training rows, before anything is split off from them."""
        return sum(one.rows for one in self.parts if one.split in ("train", ""))

    def most_boxes(self) -> int:
        """Returns the most boxes in one of its first training images; rows that cannot be read have none."""
        one = self.training
        reader = READERS[one.reader](**one.arguments)
        most = 0
        for row in range(min(_IMAGES_READ, len(reader))):
            try:
                most = max(most, len(reader[row].labels[one.label].labels))
            except DataError:
                continue
        return most
