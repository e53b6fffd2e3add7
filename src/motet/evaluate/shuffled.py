"""The same rows with each other's pictures: what a system scores by the question and its habits alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from motet.core import Example, Reader, rng_for


@dataclass(frozen=True)
class ShuffledImages:
    """Some rows of a reader, each with the pictures of another; a picture is always replaced by the same other one.

    Args:
        reader: the rows.
        places: which of its rows, in order.
        instead: for each of them the row whose pictures it gets.
    """

    reader: Reader
    places: tuple[int, ...]
    instead: tuple[int, ...]

    @classmethod
    def of(cls, reader: Reader, places: Sequence[int], *, seed: int = 0) -> ShuffledImages | None:
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
        return cls(reader, tuple(places), instead)

    def __len__(self) -> int:
        return len(self.places)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.reader.keys(self.instead[index])

    def __getitem__(self, index: int) -> Example:
        example, other = self.reader[self.places[index]], self.reader[self.instead[index]]
        return replace(example, images=other.images, image_ids=other.image_ids)
