"""Which of an image's predicted boxes hit which true ones, at every threshold and size of COCO's evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from motet.core import Boxes, BoxSet, MetricError, TargetSpec

THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
"""Square pixels of all, small, medium and large things."""
MAX_DETECTIONS = 100
"""Detections of one class on one image that are looked at."""
_BITS = (1 << np.arange(len(THRESHOLDS))).astype(np.uint16)


@dataclass(frozen=True, eq=False)
class BoxMatches:
    """One image as COCO's evaluation sees it; small enough to keep and to send.

    Args:
        labels: of each detection that is looked at.
        scores: theirs.
        ranks: each one's place among those of its class on this image, best first, from 0.
        hits: by area, bit t says that it hits a true box at `THRESHOLDS[t]`.
        ignored: by area, bit t says that it counts neither as right nor as wrong there.
        truth_labels: of each true box.
        counted: by area, whether this true box is to be found (no crowd, and of that size).
    """

    labels: Int[np.ndarray, "n"]
    scores: Float[np.ndarray, "n"]
    ranks: Int[np.ndarray, "n"]
    hits: UInt16[np.ndarray, "areas n"]
    ignored: UInt16[np.ndarray, "areas n"]
    annotation_labels: Int[np.ndarray, "m"]
    counted: Bool[np.ndarray, "areas m"]


def match_boxes(prediction: object, annotation: object, target: TargetSpec, metric: str) -> BoxMatches:
    """The matches of one image; metrics that ask one after the other about the same boxes share the work.

    Args:
        prediction: a `BoxSet`.
        truth: a `BoxSet`.
        target: `Boxes`.
        metric: who asks, for the error.

    Raises:
        MetricError: another kind of target or answer, or boxes that cannot be (see `checked`).
    """
    said, true, _ = check_pair(prediction, annotation, target, metric)
    return _match_image(_ByIdentity(said), _ByIdentity(true))


def check_pair(
    prediction: object, annotation: object, target: TargetSpec, metric: str
) -> tuple[BoxSet, BoxSet, Boxes]:
    """Prediction, truth and target of a detection, looked over. Raises MetricError, see `matches_of`."""
    if not isinstance(target, Boxes):
        raise MetricError(f"metric {metric}: target: got a {type(target).__name__}; want Boxes")
    return (
        check_boxes(prediction, target, f"metric {metric}: prediction"),
        check_boxes(annotation, target, f"metric {metric}: truth"),
        target,
    )


def check_boxes(boxes: object, target: Boxes, what: str) -> BoxSet:
    """A set of boxes that can be judged.

    Raises:
        MetricError: no `BoxSet`; arrays that do not belong together; a number that is not finite, a box whose sides are
            the wrong way round, a label or an attribute without a name.

    Examples:
        >>> bad = BoxSet(np.array([[0.0, 0.0, 4.0, np.nan]]), np.array([0]), np.ones(1))
        >>> checked(bad, Boxes(("cat",)), "truth")
        Traceback (most recent call last):
        ...
        motet.core.errors.MetricError: truth: box 0: got [0.0, 0.0, 4.0, nan]; want four finite numbers
    """
    if not isinstance(boxes, BoxSet):
        raise MetricError(f"{what}: got a {type(boxes).__name__}; want a BoxSet")
    count = len(boxes.labels)
    if np.shape(boxes.boxes_xyxy) != (count, 4) or np.shape(boxes.scores) != (count,):
        shapes = np.shape(boxes.boxes_xyxy), np.shape(boxes.labels), np.shape(boxes.scores)
        raise MetricError(f"{what}: got boxes, labels and scores of shapes {shapes}; want (n, 4), (n,) and (n,)")
    for name, own in (("crowd", boxes.crowd), ("areas", boxes.areas), ("attributes", boxes.attributes)):
        if len(own) not in (0, count):
            raise MetricError(f"{what}: {name}: got {len(own)}; want one for each of {count} boxes, or none")
    if not count:
        return boxes
    finite = np.isfinite(boxes.boxes_xyxy).all(axis=1)
    if not finite.all():
        raise MetricError(_box_line(boxes, int(np.argmin(finite)), what, "four finite numbers"))
    ordered = (boxes.boxes_xyxy[:, 2:] >= boxes.boxes_xyxy[:, :2]).all(axis=1)
    if not ordered.all():
        raise MetricError(_box_line(boxes, int(np.argmin(ordered)), what, "x0 <= x1 and y0 <= y1"))
    if not np.isfinite(boxes.scores).all():
        raise MetricError(f"{what}: scores: got one that is not finite; want numbers")
    _check_indices(boxes.labels, len(target.names), f"{what}: labels")
    # A task without attributes may be asked of a reader that knows some.
    if target.attributes:
        said = [index for one in boxes.attributes for index in one]
        _check_indices(np.asarray(said, dtype=np.int64), len(target.attributes), f"{what}: attributes")
    return boxes


def _box_line(boxes: BoxSet, place: int, what: str, want: str) -> str:
    return f"{what}: box {place}: got {boxes.boxes_xyxy[place].tolist()}; want {want}"


def _check_indices(found: np.ndarray, count: int, what: str) -> None:
    wrong = found[(found < 0) | (found >= count)]
    if len(wrong):
        raise MetricError(f"{what}: got {wrong[0]}; want 0 to {count - 1}")


def overlaps(
    boxes_xyxy: Float[np.ndarray, "n 4"], others_xyxy: Float[np.ndarray, "m 4"], crowd: Bool[np.ndarray, "m"]
) -> Float[np.ndarray, "n m"]:
    """Intersection over union of each with each; of a crowd, over the first box's own area, as COCO has it.

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
    """Width times height."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    out: np.ndarray = sides[:, 0] * sides[:, 1]
    return out


@dataclass(frozen=True, eq=False)
class _ByIdentity:
    """A set of boxes that equals itself alone: arrays have no hash, and comparing them would cost what it saves."""

    boxes: BoxSet

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.boxes is self.boxes

    def __hash__(self) -> int:
        return id(self.boxes)


@lru_cache(maxsize=1)
def _match_image(said: _ByIdentity, true: _ByIdentity) -> BoxMatches:
    prediction, annotation = said.boxes, true.boxes
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
    true_boxes = np.asarray(annotation.boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    crowd = np.asarray(annotation.crowd, dtype=bool) if len(annotation.crowd) else np.zeros(len(true_boxes), dtype=bool)
    true_areas = np.asarray(annotation.areas, dtype=np.float64) if len(annotation.areas) else areas_of(true_boxes)
    own_areas = areas_of(boxes)
    for place, (low, high) in enumerate(AREAS):
        counted[place] = ~crowd & (true_areas >= low) & (true_areas <= high)
    outside = np.stack([(own_areas < low) | (own_areas > high) for low, high in AREAS])
    for label in np.unique(labels):
        here, there = np.flatnonzero(labels == label), np.flatnonzero(annotation.labels == label)
        ious = overlaps(boxes[here], true_boxes[there], crowd[there])
        found, skipped = _match_class(ious, counted[:, there], crowd[there])
        hits[:, here], ignored[:, here] = found @ _BITS, skipped @ _BITS
    # What hits nothing and is of another size counts as no mistake.
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
    """Best detection first, each takes the free true box it overlaps most, one that counts before one that does not.

    Source: pycocotools `COCOeval.evaluateImg`; of equal overlaps the later box is taken, and a crowd is never used up.

    Args:
        ious: detections, best first, by true boxes.
        counted: see `BoxMatches`.
        crowd: which true boxes are crowds.

    Returns:
        (areas, n, thresholds) bool: hits a box that counts; hits one that does not.
    """
    shape = (len(AREAS), len(ious), len(THRESHOLDS))
    hits, ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    if not ious.shape[1]:
        return hits, ignored
    taken = np.zeros((len(AREAS), len(THRESHOLDS), ious.shape[1]), dtype=bool)
    areas, steps = np.ogrid[: len(AREAS), : len(THRESHOLDS)]
    for place in np.flatnonzero(ious.max(axis=1) >= THRESHOLDS[0]):
        near = ious[place] >= THRESHOLDS[:, None]
        free = near[None] & (~taken | crowd)
        # A box that counts is worth 2 more than one that does not, whatever the overlap.
        worth = np.where(free, ious[place] + 2.0 * counted[:, None, :], -1.0)
        best = worth.shape[2] - 1 - worth[..., ::-1].argmax(axis=2)
        found = np.take_along_axis(worth, best[..., None], axis=2)[..., 0] >= 0
        right = counted[areas, best]
        hits[:, place], ignored[:, place] = found & right, found & ~right
        taken[areas, steps, best] |= found
    return hits, ignored
