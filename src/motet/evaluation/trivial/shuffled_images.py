"""The same rows with each other's pictures: what a system scores by the question and its habits alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motet.core import Example, Reader, rng_for
from motet.evaluation.maps import resample


@dataclass(frozen=True)
class ShuffledImages:
    """Some rows of a reader, each with the pictures of another; a picture is always replaced by the same other one.

    Args:
        reader: the rows.
        places: which of its rows, in order.
        instead: for each of them the row whose pictures it gets.
        map_label: the annotation that is asked for, where that is a map of the picture: it is brought to the size of
            the other row's, and left away where that row has none.
    """

    reader: Reader
    places: tuple[int, ...]
    instead: tuple[int, ...]
    map_label: str = ""

    @classmethod
    def of(cls, reader: Reader, places: Sequence[int], *, seed: int = 0, map_label: str = "") -> ShuffledImages | None:
        """Every picture among these rows replaced by another one; None when they show fewer than two."""
        shown: dict[tuple[str, ...], int] = {}
        for place in places:
            shown.setdefault(reader.keys(place), place)
        shown.pop((), None)
        if len(shown) < 2:
            return None
        keys = sorted(shown)
        order = [keys[place] for place in rng_for("shuffle images", seed).permutation(len(keys)).tolist()]
        # One circle through all pictures, so that none keeps its own.
        after = dict(zip(order, [*order[1:], order[0]], strict=True))
        instead = tuple(shown[after[key]] if (key := reader.keys(place)) in after else place for place in places)
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
        # Maps have the size of their picture; those that are not asked for are not even read.
        name = self.map_label
        there = name in example.labels and name in other.labels
        moved = {name: resample(example.labels[name], np.shape(other.labels[name])[:2])} if there else {}
        return replace(shuffled, labels=moved)
