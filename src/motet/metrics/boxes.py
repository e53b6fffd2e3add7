"""Average precision and recall of boxes: COCO's twelve numbers, also over images drawn with repetition."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from motet.core import Metric, Prediction, TargetSpec
from motet.metrics.box_matching import MAX_DETECTIONS, THRESHOLDS, BoxMatches, match_boxes

ALL, SMALL, MEDIUM, LARGE = 0, 1, 2, 3
NO_VALUE = -1.0
"""The number where there is nothing to find, as COCO's evaluation has it."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_AT_ONCE = 2_000_000  # draws x detections held at a time, 16 MB
_EVERY = tuple(range(len(THRESHOLDS)))


class BoxMetric(Metric):
    """What COCO's twelve numbers have in common: classes, thresholds and sizes, each counting the same.

    A class without a true box (of the size asked for) does not count; where no class is left the number is -1.

    Attributes:
        area: `ALL`, `SMALL` (below 32 x 32 pixels), `MEDIUM` or `LARGE` (above 96 x 96).
        thresholds: which of the ten overlaps 0.50, 0.55, ..., 0.95.
        most: detections of a class on an image that count.
    """

    area: ClassVar[int] = ALL
    thresholds: ClassVar[tuple[int, ...]] = _EVERY
    max_detections: ClassVar[int] = MAX_DETECTIONS

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> BoxMatches:
        return match_boxes(prediction, annotation, target, self.name)

    def reduce(self, rows: Sequence[Any]) -> float:
        # A row that is there twice is one row that counts twice.
        places: dict[int, int] = {}
        counts: list[int] = []
        for row in rows:
            if places.setdefault(id(row), len(counts)) == len(counts):
                counts.append(0)
            counts[places[id(row)]] += 1
        different = list({id(row): row for row in rows}.values())
        means, known = self._means(different, np.asarray(counts, dtype=np.float64)[None])
        return float(means[0]) if known[0] else NO_VALUE

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        """The number over draws of rows; draws with nothing to find are left out, unless there are no others."""
        means, known = self._means([self.rows[i] for i in ids], np.asarray(counts, dtype=np.float64))
        return np.asarray(means[known]) if known.any() else np.full(len(means), NO_VALUE)

    def by_class(self, ids: Sequence[str] | None = None) -> dict[int, float]:
        """The number of each class that has a true box, by its label."""
        rows = [self.rows[i] for i in (sorted(self.rows) if ids is None else ids)]
        once = np.ones((1, len(rows)))
        return {c.label: 100.0 * float(self.of_class(c, once)[0]) for c in _classes(rows, self.area)}

    def remarks(self) -> tuple[str, ...]:
        if any(row.counted[self.area].any() for row in self.rows.values()):
            return ()
        return (f"{self.name} is -1: there is no true box of this kind to find",)

    @abstractmethod
    def of_class(self, found: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        """One class's number, 0 to 1, in each draw; anything where the draw has no true box of it.

        Args:
            found: what there is of the class.
            counts: how often each draw holds each row.
        """

    def _means(self, rows: Sequence[BoxMatches], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean over classes in percent for each draw, and whether the draw has any."""
        total, classes = np.zeros(len(counts)), np.zeros(len(counts))
        for found in _classes(rows, self.area):
            there = counts @ found.to_find > 0
            size = max(1, _AT_ONCE // max(1, len(found.rows)))
            for start in range(0, len(counts), size):
                part = slice(start, start + size)
                total[part] += np.where(there[part], self.of_class(found, counts[part]), 0.0)
            classes += there
        return 100.0 * total / np.maximum(classes, 1), classes > 0


@dataclass(frozen=True, eq=False)
class ClassDetections:
    """All detections of one class at one size, best first, of equal ones those of the earlier row.

    Args:
        label: the class.
        rows: of each detection, the place of its row.
        ranks: of each, its place among those of the class on its image.
        hits: bit t: it hits a true box at threshold t.
        ignored: bit t: it does not count.
        to_find: how many true boxes each row has.
    """

    label: int
    rows: np.ndarray
    ranks: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    to_find: np.ndarray


class AveragePrecision(BoxMetric):
    """The mean over 101 recalls of the best precision at that recall or beyond it, over thresholds and classes.

    Source: Lin et al. 2014, "Microsoft COCO"; pycocotools `COCOeval.accumulate`, whose numbers it gives.
    """

    def of_class(self, found: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        asked = sum(1 << t for t in self.thresholds)
        some = np.flatnonzero(found.hits & asked)
        if not len(some):
            return np.zeros(len(counts))
        # Behind the last hit nothing changes any more.
        end = int(some[-1]) + 1
        # What counts at no threshold, as most of what is of another size, is gone before anything is added up.
        kept = np.flatnonzero(found.ignored[:end] & asked != asked)
        found = replace(found, rows=found.rows[kept], hits=found.hits[kept], ignored=found.ignored[kept])
        weights = counts[:, found.rows]
        everything = weights.cumsum(axis=1)
        to_find = np.maximum(counts @ found.to_find, 1e-300)
        each = [self._at(found, t, weights, everything, to_find) for t in self.thresholds]
        return np.asarray(np.mean(each, axis=0))

    def _at(
        self, found: ClassDetections, threshold: int, weights: np.ndarray, everything: np.ndarray, to_find: np.ndarray
    ) -> np.ndarray:
        """Average precision at one threshold in each draw.

        Precision only matters where something is hit: each hit holds the recalls between the one before it and its own.
        """
        places = np.flatnonzero(found.hits >> threshold & 1)
        if not len(places):
            return np.zeros(len(weights))
        said = everything[:, places]
        left_out = np.flatnonzero(found.ignored >> threshold & 1)
        if len(left_out):
            passed = np.cumsum(weights[:, left_out], axis=1)
            before = np.searchsorted(left_out, places)
            said = said - np.where(before > 0, passed[:, before - 1], 0.0)
        right = weights[:, places].cumsum(axis=1)
        precision = right / np.maximum(said, 1e-300)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(_RECALLS, right / to_find[:, None], side="right")
        held = np.diff(reached, axis=1, prepend=0)
        # A recall of 0 is reached by the first hit, and by none in a draw that has none.
        out: np.ndarray = np.where(right[:, -1] > 0, (best * held).sum(axis=1) / len(_RECALLS), 0.0)
        return out


class AverageRecall(BoxMetric):
    """The share of true boxes that are hit by the best `most` detections of an image, over thresholds and classes.

    Source: pycocotools `COCOeval.accumulate`.
    """

    def of_class(self, found: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        own = found.ranks < self.max_detections
        bits = np.stack([found.hits >> t & 1 for t in self.thresholds])
        hit = np.bincount(found.rows[own], weights=bits.sum(axis=0)[own], minlength=len(found.to_find))
        to_find = np.maximum(counts @ found.to_find, 1e-300)
        out: np.ndarray = counts @ hit / (to_find * len(self.thresholds))
        return out


def _classes(rows: Sequence[BoxMatches], area: int) -> list[ClassDetections]:
    """What rows hold, sorted into classes that have something to find."""
    if not rows:
        return []
    row_of = np.repeat(np.arange(len(rows)), [len(row.labels) for row in rows])
    labels = np.concatenate([row.labels for row in rows])
    scores = np.concatenate([row.scores for row in rows])
    order = np.lexsort((-scores, labels))
    row_of, labels = row_of[order], labels[order]
    ranks = np.concatenate([row.ranks for row in rows])[order]
    hits = np.concatenate([row.hits[area] for row in rows])[order].astype(np.int64)
    ignored = np.concatenate([row.ignored[area] for row in rows])[order].astype(np.int64)
    annotation_rows = np.repeat(np.arange(len(rows)), [int(row.counted[area].sum()) for row in rows])
    annotation_labels = np.concatenate([row.annotation_labels[row.counted[area]] for row in rows])
    made = []
    for label in np.unique(annotation_labels).tolist():
        own = slice(*np.searchsorted(labels, (label, label + 1)).tolist())
        to_find = np.bincount(annotation_rows[annotation_labels == label], minlength=len(rows)).astype(np.float64)
        made.append(ClassDetections(label, row_of[own], ranks[own], hits[own], ignored[own], to_find))
    return made


class BoxAP(AveragePrecision):
    """COCO's AP: the mean over overlaps from 0.50 to 0.95.

    Examples:
        >>> from motet.core import Boxes, BoxSet
        >>> cat = BoxSet(np.array([[0.0, 0.0, 40.0, 40.0]]), np.array([0]), np.ones(1))
        >>> near = BoxSet(np.array([[0.0, 0.0, 40.0, 30.0]]), np.array([0]), np.array([0.9]))
        >>> ap = BoxAP()
        >>> ap.update("a", near, cat, Boxes(("cat",)))
        >>> ap.compute()
        60.0
    """

    name = "ap"


class BoxAP50(AveragePrecision):
    """AP at an overlap of 0.50, Pascal VOC's."""

    name, thresholds = "ap50", (0,)


class BoxAP75(AveragePrecision):
    """AP at an overlap of 0.75."""

    name, thresholds = "ap75", (5,)


class BoxAPSmall(AveragePrecision):
    """AP of things below 32 x 32 pixels."""

    name, area = "ap_small", SMALL


class BoxAPMedium(AveragePrecision):
    """AP of things from 32 x 32 to 96 x 96 pixels."""

    name, area = "ap_medium", MEDIUM


class BoxAPLarge(AveragePrecision):
    """AP of things above 96 x 96 pixels."""

    name, area = "ap_large", LARGE


class BoxAR1(AverageRecall):
    """Recall with the best detection of each class on each image."""

    name, most = "ar1", 1


class BoxAR10(AverageRecall):
    """Recall with the best ten."""

    name, most = "ar10", 10


class BoxAR100(AverageRecall):
    """Recall with the best hundred."""

    name = "ar100"


class BoxARSmall(AverageRecall):
    """Recall of things below 32 x 32 pixels."""

    name, area = "ar_small", SMALL


class BoxARMedium(AverageRecall):
    """Recall of things from 32 x 32 to 96 x 96 pixels."""

    name, area = "ar_medium", MEDIUM


class BoxARLarge(AverageRecall):
    """Recall of things above 96 x 96 pixels."""

    name, area = "ar_large", LARGE


COCO_TWELVE: tuple[Callable[[], Metric], ...] = (
    BoxAP, BoxAP50, BoxAP75, BoxAPSmall, BoxAPMedium, BoxAPLarge,
    BoxAR1, BoxAR10, BoxAR100, BoxARSmall, BoxARMedium, BoxARLarge,
)  # fmt: skip
"""In the order of COCO's own summary."""
