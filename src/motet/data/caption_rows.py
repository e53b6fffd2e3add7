"""One row per caption instead of one per image, so that an epoch of retrieval counts captions."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from motet.core import DataError, Example, Reader


@dataclass(frozen=True)
class CaptionRows:
    """The rows of a reader once per caption: the row's text is that caption, its annotation all of the image's.

    Source: Lu et al. 2020 (arXiv 1912.02315), table 8, whose retrieval samples are captions (566,747 of COCO's 113,287
    images); the authors' `retreival_dataset.py`.

    Args:
        reader: one row per image.
        label: the annotation with its captions.

    Raises:
        DataError: no caption at all.
    """

    reader: Reader
    label: str = "captions"

    def __post_init__(self) -> None:
        ends = tuple(accumulate(self._count(index) for index in range(len(self.reader))))
        if not ends or not ends[-1]:
            raise DataError(f"annotation {self.label!r}: got no caption in {len(self.reader)} rows; want at least one")
        object.__setattr__(self, "_ends", ends)

    def _count(self, index: int) -> int:
        try:
            captions = self.reader[index].labels.get(self.label, ())
        except DataError:
            return 1  # its error is raised when the row is drawn
        return 1 if isinstance(captions, str) else len(captions)

    def __len__(self) -> int:
        return self._ends[-1]

    def image_row(self, index: int) -> int:
        """Returns the row of the reader that a row is a caption of."""
        if not 0 <= index < len(self):
            raise IndexError(f"row {index}: want 0 to {len(self) - 1}")
        return bisect.bisect_right(self._ends, index)

    def keys(self, index: int) -> tuple[str, ...]:
        """Returns the image ids of a row."""
        return self.reader.keys(self.image_row(index))

    def __getitem__(self, index: int) -> Example:
        row = self.image_row(index)
        place = index - (self._ends[row - 1] if row else 0)
        example = self.reader[row]
        captions = example.labels.get(self.label, ())
        text = captions if isinstance(captions, str) else captions[place]
        return replace(example, id=f"{example.id}#{place}", text=text)

    _ends: ClassVar[tuple[int, ...]] = ()  # set above; no field, so that it is not compared and not saved with a recipe
