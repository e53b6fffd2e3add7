"""The boxes that a reader cut at the border of their image or dropped: counted, and too many of them a problem."""

from __future__ import annotations

from dataclasses import dataclass

from motet.core import BoxSet

MAX_SHARE = 0.05
"""Share of boxes that may be cut or dropped: a few pass the border in every data set; many are numbers misread."""


@dataclass
class ClippedBoxes:
    """A count of boxes that readers cut or dropped.

    Args:
        boxes: number of all boxes in the files.
        cut: of those that were cut at the border of the image.
        dropped: of those that had no area in the image.
        first: the first of both, with its file and row.
    """

    boxes: int = 0
    cut: int = 0
    dropped: int = 0
    first: str = ""

    def add(self, annotation: object) -> None:
        """Adds the boxes of one image; other annotations count nothing."""
        if isinstance(annotation, BoxSet):
            self.boxes += len(annotation.labels) + len(annotation.dropped)
            self.cut += len(annotation.cut)
            self.dropped += len(annotation.dropped)
            self.first = self.first or next(iter((*annotation.cut, *annotation.dropped)), "")

    @property
    def summary(self) -> str:
        """The counts in a few words; "" where there is nothing to say.

        Examples:
            >>> ClippedBoxes(boxes=60, cut=2, dropped=1).summary
            'of 60 boxes 2 cut at the border of the image and 1 without area in it dropped'
        """
        if not self.cut + self.dropped:
            return ""
        parts = [f"{self.cut:,} cut at the border of the image"] if self.cut else []
        parts += [f"{self.dropped:,} without area in it dropped"] if self.dropped else []
        return f"of {self.boxes:,} boxes {' and '.join(parts)}"

    @property
    def problem(self) -> str:
        """The problem of too many such boxes, with the first of them; "" where there are few."""
        if self.cut + self.dropped <= MAX_SHARE * self.boxes:
            return ""
        got = f"{self.cut + self.dropped:,} of {self.boxes:,} that pass the border of their image or have no area in it"
        want = f"at most {MAX_SHARE:.0%}: check the order and the unit of the four numbers"
        return f"boxes: got {got}; want {want}; the first is: {self.first}"
