"""Panoptic segmentation: every pixel belongs to one thing, to one kind of stuff, or to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int

from motet.core.errors import DataError


@dataclass(frozen=True)
class PanopticMap:
    """The segments of an image, as an annotation or a prediction.

    Args:
        segments: (h, w), of the file's size: 0 where there is none, else the number of a segment, from 1.
        labels: (n,), the class of segment 1, 2, ..., an index into the names.
        crowd: (n,), whether a segment is of several things that were not told apart; empty if none is.

    Raises:
        DataError: a segment without a class, or another shape.

    Examples:
        >>> found = PanopticMap(np.array([[0, 1], [2, 2]]), np.array([3, 3]))
        >>> found.areas().tolist(), found.classes().tolist()
        ([1, 2], [[-1, 3], [3, 3]])
    """

    segments: Int[np.ndarray, "h w"]
    labels: Int[np.ndarray, "n"]
    crowd: Bool[np.ndarray, "n"] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if self.segments.ndim != 2 or self.labels.ndim != 1:
            got = f"{self.segments.shape} and {self.labels.shape}"
            raise DataError(f"panoptic map: got segments and labels of shape {got}; want (h, w) and (n,)")
        if not len(self.labels):  # an empty list becomes an array of floats
            object.__setattr__(self, "labels", np.zeros(0, dtype=np.int64))
        if self.segments.dtype.kind not in "iu" or self.labels.dtype.kind not in "iu":
            got = f"{self.segments.dtype} and {self.labels.dtype}"
            raise DataError(f"panoptic map: got segments and labels of {got}; want whole numbers")
        least, most = (int(self.segments.min()), int(self.segments.max())) if self.segments.size else (0, 0)
        if least < 0 or most > len(self.labels):
            raise DataError(
                f"panoptic map: got segments {least} to {most} and {len(self.labels)} classes; want 0 for none, and a "
                "class for every other"
            )
        if len(self.crowd) not in (0, len(self.labels)):
            raise DataError(f"panoptic map: crowd: got {len(self.crowd)}; want one for each of {len(self.labels)}")

    def __eq__(self, other: object) -> bool:
        # The equality that a dataclass generates takes the truth value of an array, which numpy refuses.
        if not isinstance(other, PanopticMap):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in ("segments", "labels", "crowd")
        )

    def resized(self, size_hw: tuple[int, int]) -> PanopticMap:
        """Returns the map at another size, by the nearest pixels; segments that vanish keep their numbers.

        Args:
            size_hw: height and width.
        """
        rows, columns = (
            np.minimum(((np.arange(size) + 0.5) * length / size).astype(np.int64), length - 1)
            for length, size in zip(self.segments.shape, size_hw, strict=True)
        )
        return PanopticMap(self.segments[rows][:, columns], self.labels, self.crowd)

    @property
    def is_crowd(self) -> Bool[np.ndarray, "n"]:
        """True for each segment that is a crowd."""
        return self.crowd if len(self.crowd) else np.zeros(len(self.labels), dtype=bool)

    def areas(self) -> Int[np.ndarray, "n"]:
        """Returns the number of pixels of each segment."""
        counts: Int[np.ndarray, "n"] = np.bincount(self.segments.reshape(-1), minlength=len(self.labels) + 1)
        return counts[1:]

    def classes(self) -> Int[np.ndarray, "h w"]:
        """Returns the class of each pixel, -1 where there is none."""
        classes: Int[np.ndarray, "h w"] = np.concatenate([[-1], self.labels])[self.segments]
        return classes
