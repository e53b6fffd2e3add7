"""The trivial baseline "image shuffled": the same rows with images of other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motet.core import Example, Reader, rng_for
from motet.evaluation.maps import resample


@dataclass(frozen=True)
class ShuffledImages:
    """A reader of some rows, each with the images of another row; an image is always replaced by the same other one.

    Args:
        reader: the rows.
        places: indices of the rows.
        instead: for each of them the index of the row whose images it gets.
        map_label: the task's annotation, if it is a map of the image: it is resampled to the size of the other row's
            map, and left out if that row has none.
    """

    reader: Reader
    places: tuple[int, ...]
    instead: tuple[int, ...]
    map_label: str = ""

    @classmethod
    def of(cls, reader: Reader, places: Sequence[int], *, seed: int = 0, map_label: str = "") -> ShuffledImages | None:
        """Replaces every image of these rows by another one; None if they have fewer than two different images."""
        rows_by_key: dict[tuple[str, ...], int] = {}
        for place in places:
            rows_by_key.setdefault(reader.keys(place), place)
        rows_by_key.pop((), None)
        if len(rows_by_key) < 2:
            return None
        keys = sorted(rows_by_key)
        order = [keys[place] for place in rng_for("shuffle images", seed).permutation(len(keys)).tolist()]
        # One cycle through all images, so that none keeps its own.
        successor = dict(zip(order, [*order[1:], order[0]], strict=True))
        instead = tuple(
            rows_by_key[successor[key]] if (key := reader.keys(place)) in successor else place for place in places
        )
        return cls(reader, tuple(places), instead, map_label)

    def __len__(self) -> int:
        return len(self.places)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.reader.keys(self.instead[index])

    def __getitem__(self, index: int) -> Example:
        example, other = self.reader[self.places[index]], self.reader[self.instead[index]]
        shuffled = replace(example, images=other.images, image_ids=other.image_ids)
        if not self.map_label:
            return shuffled
        # A map has the size of its image; only the task's own is read.
        name = self.map_label
        in_both = name in example.labels and name in other.labels
        moved = {name: resample(example.labels[name], np.shape(other.labels[name])[:2])} if in_both else {}
        return replace(shuffled, labels=moved)
