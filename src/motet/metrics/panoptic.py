"""Panoptic quality and its two parts: segmentation quality and recognition quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from motet.core import Metric, MetricError
from motet.core.panoptic import PanopticMap

_MIN_IOU = 0.5
_MAX_IGNORED = 0.5


def panoptic_counts(predicted: PanopticMap, annotated: PanopticMap, num_classes: int) -> Float[np.ndarray, "k 4"]:
    """Returns per class the sum of IoUs of matched segments, and the numbers of matched, spurious and missed ones.

    A predicted and an annotated segment of one class match where their IoU exceeds 0.5; pixels of the predicted one
    without an annotation do not count. Crowds are neither matched nor missed. A predicted segment of which more than
    half lies on no annotation, or on a crowd of its class, is not spurious.

    Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4.1; cocodataset/panopticapi `evaluation.py`,
    which knows of one crowd per class.

    Args:
        predicted: of the same size.
        annotated: of the image.
        num_classes: k.

    Raises:
        MetricError: maps of different sizes, or a class beyond the names.
    """
    if predicted.segments.shape != annotated.segments.shape:
        got = f"{predicted.segments.shape} and {annotated.segments.shape}"
        raise MetricError(f"panoptic maps: got sizes {got}; want prediction and annotation of the image's size")
    for name, labels in (("prediction", predicted.labels), ("annotation", annotated.labels)):
        if len(labels) and not 0 <= labels.min() <= labels.max() < num_classes:
            got = f"classes {labels.min()} to {labels.max()}"
            raise MetricError(f"panoptic maps: {name}: got {got}; want 0 to {num_classes - 1}")
    rows, columns = len(annotated.labels) + 1, len(predicted.labels) + 1
    joint = annotated.segments.reshape(-1).astype(np.int64) * columns + predicted.segments.reshape(-1)
    shared = np.bincount(joint, minlength=rows * columns).reshape(rows, columns)
    own, theirs = shared.sum(axis=0), shared.sum(axis=1)
    union = theirs[1:, None] + own[None, 1:] - shared[1:, 1:] - shared[:1, 1:]
    iou = np.divide(shared[1:, 1:], union, out=np.zeros(union.shape), where=union > 0)
    crowd = annotated.is_crowd
    same = annotated.labels[:, None] == predicted.labels[None]
    match = (iou > _MIN_IOU) & same & ~crowd[:, None]
    counts = np.zeros((num_classes, 4))
    found, chosen = np.nonzero(match)
    np.add.at(counts[:, 0], annotated.labels[found], iou[found, chosen])
    np.add.at(counts[:, 1], annotated.labels[found], 1)
    ignored = shared[0, 1:].astype(np.float64)
    for label in np.unique(annotated.labels[crowd]):
        last = np.flatnonzero(crowd & (annotated.labels == label))[-1]
        ignored += np.where(predicted.labels == label, shared[1 + last, 1:], 0)
    there = own[1:] > 0
    share = np.divide(ignored, own[1:], out=np.zeros(len(ignored)), where=there)
    spurious = there & ~match.any(axis=0) & (share <= _MAX_IGNORED)
    np.add.at(counts[:, 2], predicted.labels[spurious], 1)
    missed = (theirs[1:] > 0) & ~match.any(axis=1) & ~crowd
    np.add.at(counts[:, 3], annotated.labels[missed], 1)
    return counts


class PanopticMetric(Metric):
    """A metric of matched segments, the mean over the classes that are annotated or predicted anywhere."""

    def row(self, prediction: Any, annotation: Any, target: Any) -> np.ndarray:
        for name, value in (("prediction", prediction), ("annotation", annotation)):
            if not isinstance(value, PanopticMap):
                raise MetricError(f"metric {self.name}: {name}: got a {type(value).__name__}; want a PanopticMap")
        return panoptic_counts(prediction, annotation, len(target.names))

    def reduce(self, rows: Sequence[Any]) -> float:
        number = float(self.of_counts(np.sum(rows, axis=0)[None])[0])
        if np.isnan(number):
            raise MetricError(f"metric {self.name}: got {len(rows)} maps without a segment; want at least one")
        return number

    def draws(self, ids: Sequence[str], counts: np.ndarray) -> np.ndarray:
        rows = np.stack([self.rows[i] for i in ids])
        numbers = self.of_counts(np.einsum("dn,nkp->dkp", counts, rows))
        return np.asarray(numbers[~np.isnan(numbers)])

    def by_class(self) -> Mapping[int, float]:
        """Returns the number of each class that is annotated or predicted, by label."""
        scores = self.of_classes(np.sum(list(self.rows.values()), axis=0))
        return {label: 100.0 * float(scores[label]) for label in np.flatnonzero(~np.isnan(scores)).tolist()}

    def of_counts(self, counts: Float[np.ndarray, "d k 4"]) -> Float[np.ndarray, "d"]:
        """Returns the mean over classes for each of several sums, in percent; NaN where no class has a segment."""
        scores = self.of_classes(counts)
        known = ~np.isnan(scores)
        total = np.where(known, scores, 0.0).sum(axis=-1)
        empty = np.full(total.shape, np.nan)
        mean: np.ndarray = np.divide(total, known.sum(axis=-1), out=empty, where=known.any(axis=-1))
        return 100.0 * mean

    def of_classes(self, counts: Float[np.ndarray, "*d k 4"]) -> Float[np.ndarray, "*d k"]:
        """Returns the number of each class, 0 to 1; NaN for a class without a segment."""
        iou, matched, spurious, missed = np.moveaxis(counts, -1, 0)
        some = matched + spurious + missed > 0
        return np.where(some, self._of(iou, matched, matched + (spurious + missed) / 2), np.nan)

    def _of(self, iou: np.ndarray, matched: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class PanopticQuality(PanopticMetric):
    """The sum of IoUs of matched segments over the matched ones and half of the spurious and missed ones.

        PQ = sum IoU / (TP + FP / 2 + FN / 2) = SQ * RQ, mean over classes

    Source: Kirillov et al., "Panoptic Segmentation", CVPR 2019, equation 1.
    """

    name = "pq"

    def _of(self, iou: np.ndarray, matched: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
        del matched
        return _ratio(iou, all_of_them)


class SegmentationQuality(PanopticMetric):
    """The mean IoU of matched segments, the first factor of `PanopticQuality`; 0 for a class without a match."""

    name = "sq"

    def _of(self, iou: np.ndarray, matched: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
        del all_of_them
        return _ratio(iou, matched)


class RecognitionQuality(PanopticMetric):
    """The F1 score of matched segments, the second factor of `PanopticQuality`."""

    name = "rq"

    def _of(self, iou: np.ndarray, matched: np.ndarray, all_of_them: np.ndarray) -> np.ndarray:
        del iou
        return _ratio(matched, all_of_them)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)
    return shares
