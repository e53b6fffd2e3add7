"""Matching of predicted to annotated boxes of an image, at every IoU threshold and size of COCO's evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from motet.core import Boxes, BoxSet, MetricError, TargetSpec

THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
"""Ranges of all, small, medium and large objects, in square pixels."""
MAX_DETECTIONS = 100
"""Detections of one class on one image that count, the best first."""
_BITS = (1 << np.arange(len(THRESHOLDS))).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class BoxMatches:
    """The matches of one image for COCO's evaluation; small enough to store and to send to other ranks.

    Args:
        labels: class of each detection.
        scores: score of each detection.
        ranks: rank of each detection among those of its class on this image, best first, from 0.
        hits: by area; bit t is set if the detection matches an annotated box at `THRESHOLDS[t]`.
        ignored: by area; bit t is set if the detection counts neither as right nor as wrong at that threshold.
        annotation_labels: class of each annotated box.
        counted: by area, whether the annotated box counts (no crowd, and of that size).
    """

    labels: Int[np.ndarray, "n"]
    scores: Float[np.ndarray, "n"]
    ranks: Int[np.ndarray, "n"]
    hits: UInt16[np.ndarray, "areas n"]
    ignored: UInt16[np.ndarray, "areas n"]
    annotation_labels: Int[np.ndarray, "m"]
    counted: Bool[np.ndarray, "areas m"]


def match_boxes(prediction: object, annotation: object, target: TargetSpec, metric: str) -> BoxMatches:
    """Matches the boxes of one image; the last result is cached, since several metrics need it for the same boxes.

    Args:
        prediction: a `BoxSet`.
        annotation: a `BoxSet`.
        target: `Boxes`.
        metric: name of the metric, for error messages.

    Raises:
        MetricError: another kind of target or prediction, or invalid boxes (see `check_boxes`).
    """
    predicted, annotated, _ = check_pair(prediction, annotation, target, metric)
    return _match_image(_ByIdentity(predicted), _ByIdentity(annotated))


def check_pair(prediction: object, annotation: object, target: TargetSpec, metric: str) -> tuple[BoxSet, BoxSet, Boxes]:
    """Checks and returns prediction, annotation and target of a detection. Raises MetricError, see `match_boxes`."""
    if not isinstance(target, Boxes):
        raise MetricError(f"metric {metric}: target: got a {type(target).__name__}; want Boxes")
    return (
        check_boxes(prediction, target, f"metric {metric}: prediction"),
        check_boxes(annotation, target, f"metric {metric}: annotation"),
        target,
    )


def check_boxes(boxes: object, target: Boxes, where: str) -> BoxSet:
    """Checks a set of boxes and returns it.

    Raises:
        MetricError: no `BoxSet`; arrays of different lengths; a number that is not finite, a box with x0 > x1 or
            y0 > y1, a label or an attribute without a name.

    Examples:
        >>> bad = BoxSet(np.array([[0.0, 0.0, 4.0, np.nan]]), np.array([0]), np.ones(1))
        >>> check_boxes(bad, Boxes(("cat",)), "annotation")
        Traceback (most recent call last):
        ...
        motet.core.errors.MetricError: annotation: box 0: got [0.0, 0.0, 4.0, nan]; want four finite numbers
    """
    if not isinstance(boxes, BoxSet):
        raise MetricError(f"{where}: got a {type(boxes).__name__}; want a BoxSet")
    count = len(boxes.labels)
    if np.shape(boxes.boxes_xyxy) != (count, 4) or np.shape(boxes.scores) != (count,):
        shapes = np.shape(boxes.boxes_xyxy), np.shape(boxes.labels), np.shape(boxes.scores)
        raise MetricError(f"{where}: got boxes, labels and scores of shapes {shapes}; want (n, 4), (n,) and (n,)")
    for name, own in (("crowd", boxes.crowd), ("areas", boxes.areas), ("attributes", boxes.attributes)):
        if len(own) not in (0, count):
            raise MetricError(f"{where}: {name}: got {len(own)}; want one for each of {count} boxes, or none")
    if not count:
        return boxes
    finite = np.isfinite(boxes.boxes_xyxy).all(axis=1)
    if not finite.all():
        raise MetricError(_box_line(boxes, int(np.argmin(finite)), where, "four finite numbers"))
    ordered = (boxes.boxes_xyxy[:, 2:] >= boxes.boxes_xyxy[:, :2]).all(axis=1)
    if not ordered.all():
        raise MetricError(_box_line(boxes, int(np.argmin(ordered)), where, "x0 <= x1 and y0 <= y1"))
    if not np.isfinite(boxes.scores).all():
        raise MetricError(f"{where}: scores: got one that is not finite; want finite numbers")
    _check_indices(boxes.labels, len(target.names), f"{where}: labels")
    # A reader may have attributes that the task does not use.
    if target.attributes:
        predicted = [index for one in boxes.attributes for index in one]
        _check_indices(np.asarray(predicted, dtype=np.int64), len(target.attributes), f"{where}: attributes")
    return boxes


def _box_line(boxes: BoxSet, place: int, where: str, want: str) -> str:
    return f"{where}: box {place}: got {boxes.boxes_xyxy[place].tolist()}; want {want}"


def _check_indices(found: np.ndarray, count: int, where: str) -> None:
    wrong = found[(found < 0) | (found >= count)]
    if len(wrong):
        raise MetricError(f"{where}: got {wrong[0]}; want 0 to {count - 1}")


def overlaps(
    boxes_xyxy: Float[np.ndarray, "n 4"], others_xyxy: Float[np.ndarray, "m 4"], crowd: Bool[np.ndarray, "m"]
) -> Float[np.ndarray, "n m"]:
    """Returns the IoU of all pairs of boxes; for a crowd the intersection over the first box's area, as in COCO.

    Examples:
        >>> one, other = np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 5.0, 2.0]])
        >>> overlaps(one, other, np.array([False])), overlaps(one, other, np.array([True]))
        (array([[0.2]]), array([[0.5]]))
    """
    corner = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    sides = np.clip(np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:]) - corner, 0, None)
    shared = sides[..., 0] * sides[..., 1]
    own, theirs = areas_of(boxes_xyxy)[:, None], areas_of(others_xyxy)[None]
    whole = np.where(crowd[None], own, own + theirs - shared)
    out: np.ndarray = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return out


def areas_of(boxes_xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n"]:
    """Returns width times height."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    out: np.ndarray = sides[:, 0] * sides[:, 1]
    return out


@dataclass(frozen=True, eq=False)
class _ByIdentity:
    """A set of boxes compared by identity, as a cache key: arrays have no hash, and comparing them would be slow."""

    boxes: BoxSet

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.boxes is self.boxes

    def __hash__(self) -> int:
        return id(self.boxes)


@lru_cache(maxsize=1)
def _match_image(predicted: _ByIdentity, annotated: _ByIdentity) -> BoxMatches:
    prediction, annotation = predicted.boxes, annotated.boxes
    order = np.argsort(-np.asarray(prediction.scores, dtype=np.float64), kind="stable")
    labels = np.asarray(prediction.labels, dtype=np.int64)[order]
    ranks = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        own = labels == label
        ranks[own] = np.arange(own.sum())
    kept = order[ranks < MAX_DETECTIONS]
    labels, ranks = labels[ranks < MAX_DETECTIONS], ranks[ranks < MAX_DETECTIONS]
    boxes = np.asarray(prediction.boxes_xyxy, dtype=np.float64)[kept]
    hits = np.zeros((len(AREAS), len(labels)), dtype=np.uint16)
    ignored = np.zeros_like(hits)
    counted = np.ones((len(AREAS), len(annotation.labels)), dtype=bool)
    annotated_boxes = np.asarray(annotation.boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    crowd = (
        np.asarray(annotation.crowd, dtype=bool)
        if len(annotation.crowd)
        else np.zeros(len(annotated_boxes), dtype=bool)
    )
    annotated_areas = (
        np.asarray(annotation.areas, dtype=np.float64) if len(annotation.areas) else areas_of(annotated_boxes)
    )
    own_areas = areas_of(boxes)
    for place, (low, high) in enumerate(AREAS):
        counted[place] = ~crowd & (annotated_areas >= low) & (annotated_areas <= high)
    outside = np.stack([(own_areas < low) | (own_areas > high) for low, high in AREAS])
    for label in np.unique(labels):
        here, there = np.flatnonzero(labels == label), np.flatnonzero(annotation.labels == label)
        ious = overlaps(boxes[here], annotated_boxes[there], crowd[there])
        found, skipped = _match_class(ious, counted[:, there], crowd[there])
        hits[:, here], ignored[:, here] = found @ _BITS, skipped @ _BITS
    # A detection of another size that matches nothing is no false positive.
    everywhere = _BITS.sum(dtype=np.uint16)
    ignored |= np.where(outside, everywhere & ~(hits | ignored), np.uint16(0)).astype(np.uint16)
    return BoxMatches(
        labels.astype(np.int32),
        np.asarray(prediction.scores, dtype=np.float64)[kept],
        ranks.astype(np.int32),
        hits,
        ignored,
        np.asarray(annotation.labels, dtype=np.int32),
        counted,
    )


def _match_class(
    ious: Float[np.ndarray, "n m"], counted: Bool[np.ndarray, "areas m"], crowd: Bool[np.ndarray, "m"]
) -> tuple[np.ndarray, np.ndarray]:
    """Matches detections of a class, best first, each to the free annotated box with the largest IoU.

    Boxes that count take precedence over those that do not, whatever the IoU.

    Source: pycocotools `COCOeval.evaluateImg`; of equal IoUs the later box is taken, and a crowd can be matched again.

    Args:
        ious: detections, best first, by annotated boxes.
        counted: see `BoxMatches`.
        crowd: whether each annotated box is a crowd.

    Returns:
        (areas, n, thresholds) bool: matches a box that counts; matches one that does not.
    """
    shape = (len(AREAS), len(ious), len(THRESHOLDS))
    hits, ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    if not ious.shape[1]:
        return hits, ignored
    used = np.zeros((len(AREAS), len(THRESHOLDS), ious.shape[1]), dtype=bool)
    areas, steps = np.ogrid[: len(AREAS), : len(THRESHOLDS)]
    for place in np.flatnonzero(ious.max(axis=1) >= THRESHOLDS[0]):
        above_threshold = ious[place] >= THRESHOLDS[:, None]
        free = above_threshold[None] & (~used | crowd)
        # Adding 2 prefers any box that counts to any that does not, whatever the IoU.
        priority = np.where(free, ious[place] + 2.0 * counted[:, None, :], -1.0)
        best = priority.shape[2] - 1 - priority[..., ::-1].argmax(axis=2)
        found = np.take_along_axis(priority, best[..., None], axis=2)[..., 0] >= 0
        right = counted[areas, best]
        hits[:, place], ignored[:, place] = found & right, found & ~right
        used[areas, steps, best] |= found
    return hits, ignored
