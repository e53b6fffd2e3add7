"""The plan of one task of a recipe that is to be written."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import DataError
from motet.data.detect import DetectedDataset
from motet.data.readers import READERS

MAPS = frozenset({"segmentation", "depth", "surface normals", "edges"})
"""Kinds of dense prediction; tasks on the same rows share a source."""
VIDEOS = frozenset({"video classification", "video captioning", "video retrieval"})
"""Kinds whose input is a video."""
_IMAGES_READ = 500  # to find the most boxes per image


@dataclass(frozen=True)
class TaskPlan:
    """One task of a recipe, with the data detected for it.

    Args:
        name: of the task, and of its variable.
        parts: the splits of one data set; an entry with split "" is to be split.
    """

    name: str
    parts: tuple[DetectedDataset, ...]

    @property
    def kind(self) -> str:
        """The kind of its task."""
        return self.parts[0].kind

    @property
    def training(self) -> DetectedDataset:
        """The part to train on."""
        return next(one for one in self.parts if one.split in ("train", ""))

    @property
    def reader(self) -> str:
        """The reader of its first part, a name in `READERS`."""
        return self.parts[0].reader

    @property
    def rows(self) -> int:
        """Number of training rows, before any are split off."""
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
