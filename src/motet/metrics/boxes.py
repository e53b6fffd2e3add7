"""Average precision and recall of boxes: COCO's twelve metrics, also over images drawn with replacement."""

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
"""The value if no annotated box counts, as in COCO's evaluation."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_CHUNK_SIZE = 2_000_000  # draws x detections held at a time, 16 MB
_ALL_THRESHOLDS = tuple(range(len(THRESHOLDS)))


class BoxMetric(Metric):
    """The base class of COCO's twelve metrics: a mean over classes and IoU thresholds, for objects of one size.

    A class without an annotated box of that size does not count; if no class is left the value is -1.

    Attributes:
        area: `ALL`, `SMALL` (below 32 x 32 pixels), `MEDIUM` or `LARGE` (above 96 x 96).
        thresholds: indices into the ten IoUs 0.50, 0.55, ..., 0.95.
        max_detections: detections of a class on an image that count.
    """

    area: ClassVar[int] = ALL
    thresholds: ClassVar[tuple[int, ...]] = _ALL_THRESHOLDS
    max_detections: ClassVar[int] = MAX_DETECTIONS

    def row(self, prediction: Prediction, annotation: Any, target: TargetSpec) -> BoxMatches:
        return match_boxes(prediction, annotation, target, self.name)

    def reduce(self, rows: Sequence[Any]) -> float:
        # A repeated row is one row that counts as often as it occurs.
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
        """Returns the number for draws of rows; draws without an annotated box are left out, unless all are."""
        means, known = self._means([self.rows[i] for i in ids], np.asarray(counts, dtype=np.float64))
        return np.asarray(means[known]) if known.any() else np.full(len(means), NO_VALUE)

    def by_class(self, ids: Sequence[str] | None = None) -> dict[int, float]:
        """Returns the number of each class that has an annotated box, by label."""
        rows = [self.rows[i] for i in (sorted(self.rows) if ids is None else ids)]
        ones = np.ones((1, len(rows)))
        return {c.label: 100.0 * float(self.of_class(c, ones)[0]) for c in _classes(rows, self.area)}

    def is_defined(self) -> bool:
        return any(row.counted[self.area].any() for row in self.rows.values())

    def remarks(self) -> tuple[str, ...]:
        return () if self.is_defined() else (f"no {self.name}: no annotated box of this size",)

    @abstractmethod
    def of_class(self, detections: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        """Returns the number of one class, 0 to 1, for each draw; undefined for a draw without an annotated box of it.

        Args:
            detections: all detections of the class.
            counts: how often each draw contains each row.
        """

    def _means(self, rows: Sequence[BoxMatches], counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean over classes in percent for each draw, and whether the draw has any class."""
        total, classes = np.zeros(len(counts)), np.zeros(len(counts))
        for detections in _classes(rows, self.area):
            there = counts @ detections.num_annotated > 0
            size = max(1, _CHUNK_SIZE // max(1, len(detections.rows)))
            for start in range(0, len(counts), size):
                part = slice(start, start + size)
                total[part] += np.where(there[part], self.of_class(detections, counts[part]), 0.0)
            classes += there
        return 100.0 * total / np.maximum(classes, 1), classes > 0


@dataclass(frozen=True, eq=False)
class ClassDetections:
    """All detections of one class at one size, best first; in a tie those of the earlier row first.

    Args:
        label: the class.
        rows: index of each detection's row.
        ranks: rank of each detection among those of the class on its image.
        hits: bit t is set if the detection matches an annotated box at threshold t.
        ignored: bit t is set if the detection does not count at threshold t.
        num_annotated: number of annotated boxes of each row.
    """

    label: int
    rows: np.ndarray
    ranks: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    num_annotated: np.ndarray


class AveragePrecision(BoxMetric):
    """The mean over 101 recalls of the best precision at that recall or beyond it, over thresholds and classes.

    Source: Lin et al. 2014, "Microsoft COCO"; pycocotools `COCOeval.accumulate`, whose numbers it gives.
    """

    def of_class(self, detections: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        bits = sum(1 << t for t in self.thresholds)
        some = np.flatnonzero(detections.hits & bits)
        if not len(some):
            return np.zeros(len(counts))
        # Detections behind the last hit change nothing.
        end = int(some[-1]) + 1
        # Detections that count at no threshold, as most of another size, are removed first to save time.
        kept = np.flatnonzero(detections.ignored[:end] & bits != bits)
        detections = replace(
            detections, rows=detections.rows[kept], hits=detections.hits[kept], ignored=detections.ignored[kept]
        )
        weights = counts[:, detections.rows]
        everything = weights.cumsum(axis=1)
        num_annotated = np.maximum(counts @ detections.num_annotated, 1e-300)
        each = [self._at(detections, t, weights, everything, num_annotated) for t in self.thresholds]
        return np.asarray(np.mean(each, axis=0))

    def _at(
        self,
        detections: ClassDetections,
        threshold: int,
        weights: np.ndarray,
        everything: np.ndarray,
        num_annotated: np.ndarray,
    ) -> np.ndarray:
        """Returns the average precision at one threshold for each draw.

        Precision is needed only at hits: each hit covers the recalls between the previous hit's and its own.
        """
        places = np.flatnonzero(detections.hits >> threshold & 1)
        if not len(places):
            return np.zeros(len(weights))
        predicted = everything[:, places]
        left_out = np.flatnonzero(detections.ignored >> threshold & 1)
        if len(left_out):
            passed = np.cumsum(weights[:, left_out], axis=1)
            before = np.searchsorted(left_out, places)
            predicted = predicted - np.where(before > 0, passed[:, before - 1], 0.0)
        right = weights[:, places].cumsum(axis=1)
        precision = right / np.maximum(predicted, 1e-300)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        reached = np.searchsorted(_RECALLS, right / num_annotated[:, None], side="right")
        covered = np.diff(reached, axis=1, prepend=0)
        # The first hit reaches a recall of 0; a draw without a hit reaches none.
        out: np.ndarray = np.where(right[:, -1] > 0, (best * covered).sum(axis=1) / len(_RECALLS), 0.0)
        return out


class AverageRecall(BoxMetric):
    """The share of annotated boxes matched by the best `max_detections` of an image, over thresholds and classes.

    Source: pycocotools `COCOeval.accumulate`.
    """

    def of_class(self, detections: ClassDetections, counts: Float[np.ndarray, "d n"]) -> Float[np.ndarray, "d"]:
        own = detections.ranks < self.max_detections
        bits = np.stack([detections.hits >> t & 1 for t in self.thresholds])
        hit = np.bincount(detections.rows[own], weights=bits.sum(axis=0)[own], minlength=len(detections.num_annotated))
        num_annotated = np.maximum(counts @ detections.num_annotated, 1e-300)
        out: np.ndarray = counts @ hit / (num_annotated * len(self.thresholds))
        return out


def _classes(rows: Sequence[BoxMatches], area: int) -> list[ClassDetections]:
    """Groups the detections of rows by class, for classes with an annotated box."""
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
    classes = []
    for label in np.unique(annotation_labels).tolist():
        own = slice(*np.searchsorted(labels, (label, label + 1)).tolist())
        num_annotated = np.bincount(annotation_rows[annotation_labels == label], minlength=len(rows)).astype(np.float64)
        classes.append(ClassDetections(label, row_of[own], ranks[own], hits[own], ignored[own], num_annotated))
    return classes


class BoxAP(AveragePrecision):
    """COCO's AP: the mean over IoUs from 0.50 to 0.95.

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
    """AP at an IoU of 0.50, as in Pascal VOC."""

    name, thresholds = "ap50", (0,)


class BoxAP75(AveragePrecision):
    """AP at an IoU of 0.75."""

    name, thresholds = "ap75", (5,)


class BoxAPSmall(AveragePrecision):
    """AP of objects below 32 x 32 pixels."""

    name, area = "ap_small", SMALL


class BoxAPMedium(AveragePrecision):
    """AP of objects from 32 x 32 to 96 x 96 pixels."""

    name, area = "ap_medium", MEDIUM


class BoxAPLarge(AveragePrecision):
    """AP of objects above 96 x 96 pixels."""

    name, area = "ap_large", LARGE


class BoxAR1(AverageRecall):
    """Recall with the best detection of each class on each image."""

    name, max_detections = "ar1", 1


class BoxAR10(AverageRecall):
    """Recall with the ten best detections of each class on each image."""

    name, max_detections = "ar10", 10


class BoxAR100(AverageRecall):
    """Recall with the hundred best detections of each class on each image."""

    name = "ar100"


class BoxARSmall(AverageRecall):
    """Recall of objects below 32 x 32 pixels."""

    name, area = "ar_small", SMALL


class BoxARMedium(AverageRecall):
    """Recall of objects from 32 x 32 to 96 x 96 pixels."""

    name, area = "ar_medium", MEDIUM


class BoxARLarge(AverageRecall):
    """Recall of objects above 96 x 96 pixels."""

    name, area = "ar_large", LARGE


COCO_TWELVE: tuple[Callable[[], Metric], ...] = (
    BoxAP, BoxAP50, BoxAP75, BoxAPSmall, BoxAPMedium, BoxAPLarge,
    BoxAR1, BoxAR10, BoxAR100, BoxARSmall, BoxARMedium, BoxARLarge,
)  # fmt: skip
"""The twelve metrics in the order of COCO's own summary."""
