"""What is in a map, and whether it can be: classes by the names, metres above 0, directions of length 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, assert_never

import numpy as np

from motet.core.target import Dense

_UNIT = 0.02  # how far a length may be from 1: three channels of 8 bits
_SHOWN = 5


def map_misfit(annotation: Any, target: Dense) -> str | None:
    """What is wrong with a map, in one sentence; None when it fits.

    Args:
        truth: (h, w) or (h, w, channels).
        target: what is asked.

    Examples:
        >>> map_misfit(np.array([[0, 5]]), Dense(2, "class", ("sky", "road")))
        'got the classes 5; want 0 to 1, or -1 where there is none'
    """
    if not isinstance(annotation, np.ndarray) or annotation.ndim not in (2, 3):
        return f"got a {type(annotation).__name__}; want an array (h, w) or (h, w, channels)"
    if annotation.size == 0:
        return f"got a map of the shape {annotation.shape}; want at least one pixel"
    match target.unit:
        case "class":
            wrong = _class_misfit(annotation, len(target.names) or target.channels)
        case "metre":
            wrong = _range_misfit(annotation, "metres", lowest=0.0, highest=np.inf)
        case "unit vector":
            wrong = _vector_misfit(annotation)
        case "probability":
            wrong = _range_misfit(annotation, "numbers", lowest=0.0, highest=1.0)
        case _:
            assert_never(target.unit)
    if wrong is None and not valid_pixels(annotation).any():
        return "got a map without a valid pixel; want at least one, or the row left out"
    return wrong


def valid_pixels(values: np.ndarray) -> np.ndarray:
    """Where a map has a value, bool (h, w): not -1, not NaN."""
    if values.dtype.kind in "iu":
        found: np.ndarray = values >= 0
        return found
    known: np.ndarray = ~np.isnan(values)
    return np.asarray(known.all(axis=-1)) if values.ndim == 3 else known


def _class_misfit(classes: np.ndarray, count: int) -> str | None:
    if classes.dtype.kind not in "iu" or classes.ndim != 2:
        return f"got {classes.dtype} of the shape {classes.shape}; want whole numbers (h, w)"
    wrong = np.unique(classes[(classes < -1) | (classes >= count)]).tolist()
    if not wrong:
        return None
    shown = ", ".join(str(one) for one in wrong[:_SHOWN]) + (", ..." if len(wrong) > _SHOWN else "")
    return f"got the classes {shown}; want 0 to {count - 1}, or -1 where there is none"


def _range_misfit(values: np.ndarray, what: str, *, lowest: float, highest: float) -> str | None:
    if values.dtype.kind != "f" or values.ndim != 2:
        return f"got {values.dtype} of the shape {values.shape}; want real numbers (h, w)"
    known = values[~np.isnan(values)]
    if known.size and not (known.min() >= lowest and known.max() <= highest and np.isfinite(known).all()):
        top = "" if np.isinf(highest) else f" to {highest:g}"
        return f"got {what} from {known.min():g} to {known.max():g}; want {lowest:g}{top or ' and more'}, or NaN"
    return None


def _vector_misfit(vectors: np.ndarray) -> str | None:
    if vectors.dtype.kind != "f" or vectors.ndim != 3 or vectors.shape[2] != 3:
        return f"got {vectors.dtype} of the shape {vectors.shape}; want real numbers (h, w, 3)"
    lengths = np.linalg.norm(vectors, axis=-1)
    known = lengths[~np.isnan(lengths)]
    if known.size and np.abs(known - 1).max() > _UNIT:
        return f"got vectors of the lengths {known.min():.3g} to {known.max():.3g}; want 1, or NaN"
    return None


@dataclass
class MapTally:
    """What maps hold, added up.

    Args:
        pixels: how many.
        valid: those with a value.
        lowest: of the values of maps of one number a pixel.
        highest: of the same.
        counts: of each class.
    """

    pixels: int = 0
    valid: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, values: Any) -> None:
        """One more map; anything that is none counts nothing, `data check` tells it."""
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
        """The share of each class that is there among the valid pixels, the most frequent first."""
        found = {
            names[place] if place < len(names) else str(place): int(number) / self.valid
            for place, number in enumerate(self.counts)
            if number
        }
        return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))
