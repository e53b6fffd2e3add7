"""Checks and statistics of the values of a map: classes, metres, unit vectors, probabilities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, assert_never

import numpy as np

from motet.core.target import Dense

_LENGTH_TOLERANCE = 0.02  # of a unit vector, whose three channels may come from 8 bits
_MOST_LISTED = 5


def map_error(annotation: Any, target: Dense) -> str | None:
    """Returns the error of a map that a target cannot encode, in one sentence; None when it fits.

    Args:
        annotation: (h, w) or (h, w, channels).
        target: the kind of map of the task.

    Examples:
        >>> map_error(np.array([[0, 5]]), Dense(2, "class", ("sky", "road")))
        'got the classes 5; want 0 to 1, or -1 where there is none'
    """
    if not isinstance(annotation, np.ndarray) or annotation.ndim not in (2, 3):
        return f"got a {type(annotation).__name__}; want an array (h, w) or (h, w, channels)"
    if annotation.size == 0:
        return f"got a map of the shape {annotation.shape}; want at least one pixel"
    match target.unit:
        case "class":
            error = _class_error(annotation, len(target.names) or target.channels)
        case "metre":
            error = _range_error(annotation, "metres", lowest=0.0, highest=np.inf)
        case "unit vector":
            error = _vector_error(annotation)
        case "probability":
            error = _range_error(annotation, "numbers", lowest=0.0, highest=1.0)
        case _:
            assert_never(target.unit)
    if error is None and not valid_pixels(annotation).any():
        return "got a map without a valid pixel; want at least one, or the row left out"
    return error


def valid_pixels(values: np.ndarray) -> np.ndarray:
    """Returns the mask of the pixels that have a value, bool (h, w): not -1, not NaN."""
    if values.dtype.kind in "iu":
        return np.asarray(values >= 0)
    known: np.ndarray = ~np.isnan(values)
    return np.asarray(known.all(axis=-1)) if values.ndim == 3 else known


def _class_error(classes: np.ndarray, count: int) -> str | None:
    if classes.dtype.kind not in "iu" or classes.ndim != 2:
        return f"got {classes.dtype} of the shape {classes.shape}; want whole numbers (h, w)"
    wrong = np.unique(classes[(classes < -1) | (classes >= count)]).tolist()
    if not wrong:
        return None
    listed = ", ".join(str(index) for index in wrong[:_MOST_LISTED]) + (", ..." if len(wrong) > _MOST_LISTED else "")
    return f"got the classes {listed}; want 0 to {count - 1}, or -1 where there is none"


def _range_error(values: np.ndarray, what: str, *, lowest: float, highest: float) -> str | None:
    if values.dtype.kind != "f" or values.ndim != 2:
        return f"got {values.dtype} of the shape {values.shape}; want real numbers (h, w)"
    known = values[~np.isnan(values)]
    if known.size and not (known.min() >= lowest and known.max() <= highest and np.isfinite(known).all()):
        top = "" if np.isinf(highest) else f" to {highest:g}"
        return f"got {what} from {known.min():g} to {known.max():g}; want {lowest:g}{top or ' and more'}, or NaN"
    return None


def _vector_error(vectors: np.ndarray) -> str | None:
    if vectors.dtype.kind != "f" or vectors.ndim != 3 or vectors.shape[2] != 3:
        return f"got {vectors.dtype} of the shape {vectors.shape}; want real numbers (h, w, 3)"
    lengths = np.linalg.norm(vectors, axis=-1)
    known = lengths[~np.isnan(lengths)]
    if known.size and np.abs(known - 1).max() > _LENGTH_TOLERANCE:
        return f"got vectors of the lengths {known.min():.3g} to {known.max():.3g}; want 1, or NaN"
    return None


@dataclass
class MapTally:
    """Statistics over the values of many maps.

    Args:
        pixels: number of pixels.
        valid: number of pixels that have a value.
        lowest: the lowest value in maps of one number per pixel.
        highest: the highest value in them.
        counts: pixels per class, in maps of classes.
    """

    pixels: int = 0
    valid: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, values: Any) -> None:
        """Adds one map; ignores a value that is no map, which `motet data check` reports."""
        if not isinstance(values, np.ndarray) or values.ndim not in (2, 3):
            return
        valid = valid_pixels(values)
        self.pixels += valid.size
        self.valid += int(valid.sum())
        if values.dtype.kind in "iu":
            counts = np.bincount(values[valid], minlength=len(self.counts))
            counts[: len(self.counts)] += self.counts
            self.counts = counts
        elif values.ndim == 2 and valid.any():
            self.lowest = min(self.lowest, float(values[valid].min()))
            self.highest = max(self.highest, float(values[valid].max()))

    def shares(self, names: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
        """Returns the share of the valid pixels of each class that occurs, the most frequent first."""
        shares = {
            names[place] if place < len(names) else str(place): int(number) / self.valid
            for place, number in enumerate(self.counts)
            if number
        }
        return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))
