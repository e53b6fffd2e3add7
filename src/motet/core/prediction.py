"""Answers in the task's own space and units: names, words, pixels of the file, metres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np


@dataclass(frozen=True)
class ClassPrediction:
    """One of the names of a `Label` or a closed `Answer`, or the ranked candidates of a `Match`.

    Args:
        index: the chosen name or candidate.
        name: its text, when it has one.
        scores: a score for each name or candidate, higher is more likely; empty when not computed.
    """

    index: int
    name: str = ""
    scores: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class TextPrediction:
    """A text that was generated.

    Args:
        text: the words.
        log_prob: the sum of log-probabilities of its tokens up to and with the end token.
    """

    text: str
    log_prob: float = 0.0


@dataclass(frozen=True)
class BoxSet:
    """Things with boxes; truth when `scores` are all 1.

    Args:
        boxes_xyxy: (n, 4) float, pixels of the file, x0 <= x1.
        labels: (n,) int, index into `Boxes.names`.
        scores: (n,) float.
        attributes: for each box the indices into `Boxes.attributes`; empty when there are none.
        crowd: (n,) bool, COCO's iscrowd; empty when there are none.
        areas: (n,) float, pixels of each thing itself, by which COCO tells small from large; empty: the boxes' own.
    """

    boxes_xyxy: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    attributes: tuple[tuple[int, ...], ...] = ()
    crowd: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    areas: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    def __eq__(self, other: object) -> bool:
        # What a dataclass makes by itself asks an array whether it is true.
        if not isinstance(other, BoxSet):
            return NotImplemented
        arrays = ("boxes_xyxy", "labels", "scores", "crowd", "areas")
        equal = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in arrays)
        return equal and self.attributes == other.attributes


@dataclass(frozen=True)
class DenseMap:
    """A map at the file's size, (h, w) or (h, w, channels), in the unit of its `Dense`."""

    values: np.ndarray

    def __eq__(self, other: object) -> bool:
        # As for `BoxSet`; a value that is not known is NaN, and equal to itself here.
        if not isinstance(other, DenseMap):
            return NotImplemented
        return np.array_equal(self.values, other.values, equal_nan=self.values.dtype.kind == "f")


@dataclass(frozen=True)
class ScalarPrediction:
    """A number."""

    value: float


Prediction: TypeAlias = ClassPrediction | TextPrediction | BoxSet | DenseMap | ScalarPrediction
