"""Predictions in the task's own space and units: names, words, pixels of the file, metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self, TypeAlias

import numpy as np

from motet.core.panoptic import PanopticMap


class RankedName(NamedTuple):
    """A name and its probability among all names of its task."""

    name: str
    probability: float


@dataclass(frozen=True)
class ClassPrediction:
    """One of the names of a `Label` or a closed `Answer`, or the ranked candidates of a `Match`.

    Args:
        index: the chosen name or candidate.
        name: its text, if it has one.
        scores: one score per name or candidate, higher is more likely; empty if not computed.
        top: the most likely names, the chosen one first; empty until they are `ranked`.
    """

    index: int
    name: str = ""
    scores: tuple[float, ...] = field(default=(), repr=False)
    top: tuple[RankedName, ...] = field(default=(), compare=False)

    def ranked(self, names: Sequence[str], count: int = 3) -> Self:
        """Returns the prediction with its most likely names: a softmax over the scores of all names.

        Args:
            names: a name per score.
            count: names at most.

        Examples:
            >>> ClassPrediction(1, "dog", (0.0, 1.0)).ranked(("cat", "dog")).top[0]
            RankedName(name='dog', probability=0.7310585786300049)
        """
        if len(self.scores) != len(names) or not np.isfinite(max(self.scores, default=np.nan)):
            return self
        shares = np.exp(np.asarray(self.scores, dtype=float) - max(self.scores))
        shares /= shares.sum()
        best = np.argsort(-shares, kind="stable")[:count].tolist()
        return replace(self, top=tuple(RankedName(names[place], float(shares[place])) for place in best))


@dataclass(frozen=True)
class WordScores:
    """The prediction of the annotation's own words: of masked ones, or of each given the words before it.

    Args:
        correct: number of words whose score is the highest of the vocabulary; a word is a token of the model.
        count: number of words.
        log_prob: the sum of their log-probabilities.
    """

    correct: int
    count: int
    log_prob: float


@dataclass(frozen=True)
class TextPrediction:
    """A generated text.

    Args:
        text: the words.
        log_prob: the sum of the log-probabilities of its tokens, end token included.
        words: of the annotation; None if not computed.
    """

    text: str
    log_prob: float = 0.0
    words: WordScores | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class BoxSet:
    """Objects with boxes, as a prediction or, with all `scores` 1, as an annotation.

    Args:
        boxes_xyxy: (n, 4) float, pixels of the file, x0 <= x1.
        labels: (n,) int, index into `Boxes.names`.
        scores: (n,) float.
        attributes: for each box its indices into `Boxes.attributes`; empty if there are none.
        crowd: (n,) bool, COCO's iscrowd; empty if there are none.
        areas: (n,) float, area of each object's mask in pixels, by which COCO sorts small from large; empty for the
            areas of the boxes.
        cut: a line per box that was cut at the border of its image, with its file and row; of annotations only.
        dropped: a line per box that was left out, since it has no area in its image.
    """

    boxes_xyxy: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    attributes: tuple[tuple[int, ...], ...] = ()
    crowd: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    areas: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    cut: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        # The equality that a dataclass generates takes the truth value of an array, which numpy refuses.
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
        # As for `BoxSet`; an unknown value is NaN, and equals itself here.
        if not isinstance(other, DenseMap):
            return NotImplemented
        return np.array_equal(self.values, other.values, equal_nan=self.values.dtype.kind == "f")


@dataclass(frozen=True)
class ScalarPrediction:
    """A predicted number."""

    value: float


Prediction: TypeAlias = ClassPrediction | TextPrediction | BoxSet | DenseMap | PanopticMap | ScalarPrediction
