"""Precision and recall of a detector, class by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from motet.core import Boxes, BoxSet, MetricError
from motet.metrics.box_matching import MAX_DETECTIONS, BoxMatches, match_boxes
from motet.report.runs import RunRecord

_RECALLS = np.linspace(0.0, 1.0, 101)
_AT_HALF = np.uint16(1)  # the bit of an IoU of 0.5
_METRIC = "ap"


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """The precision-recall curve of one class at an IoU of 0.5, one point per detection, the surest first.

    Args:
        task: the detection task.
        name: of the class.
        num_annotated: annotated boxes.
        precision: from 0 to 1.
        recall: from 0 to 1.
        scores: of the detections.
    """

    task: str
    name: str
    num_annotated: int
    precision: Float[np.ndarray, "n"] = field(repr=False)
    recall: Float[np.ndarray, "n"] = field(repr=False)
    scores: Float[np.ndarray, "n"] = field(repr=False)

    @property
    def ap50(self) -> float:
        """The average precision at an IoU of 0.5 in percent, over 101 recalls as in COCO's evaluation."""
        if not len(self.precision):
            return 0.0
        highest = np.maximum.accumulate(self.precision[::-1])[::-1]
        places = np.searchsorted(self.recall, _RECALLS, side="left")
        found = np.where(places < len(highest), highest[np.minimum(places, len(highest) - 1)], 0.0)
        return 100.0 * float(found.mean())

    @property
    def best_f1(self) -> tuple[float, float | None]:
        """The highest F1 in percent, and the score from which on detections must count for it."""
        if not len(self.precision):
            return 0.0, None
        f1 = 2 * self.precision * self.recall / np.maximum(1e-12, self.precision + self.recall)
        best = int(np.argmax(f1))
        return 100.0 * float(f1[best]), float(self.scores[best])


def precision_recall(lines: Iterable[Mapping[str, Any]], run: RunRecord) -> tuple[PrecisionRecall, ...]:
    """Returns the curve of every class with an annotated box, for every task that is evaluated by AP.

    Args:
        lines: of predictions.jsonl; those whose boxes are not valid are left out.
        run: its report says which task was evaluated on which source.
    """
    sources = {result.task: result.source for result in run.report.results if result.metric == _METRIC}
    matches: dict[str, list[BoxMatches]] = {task: [] for task in sources}
    names: dict[str, dict[int, str]] = {task: {} for task in sources}
    for line in lines:
        task = line.get("task")
        if not isinstance(task, str) or task not in sources or line.get("source") != sources[task]:
            continue
        predicted, annotated = boxes_of(line.get("prediction")), boxes_of(line.get("ground_truth"))
        if predicted is None or annotated is None:
            continue
        names[task] |= annotated[1]
        labels = [int(label) for one in (predicted[0], annotated[0]) for label in one.labels]
        target = Boxes(tuple(map(str, range(max(labels, default=0) + 1))))
        try:
            matches[task].append(match_boxes(predicted[0], annotated[0], target, _METRIC))
        except MetricError:
            continue
    found = (_curve(task, label, names, matches[task]) for task in sources for label in sorted(names[task]))
    return tuple(curve for curve in found if curve is not None)


def f1_of(line: Mapping[str, Any], *, min_score: float) -> float | None:
    """Returns the F1 in percent of the boxes of one image at an IoU of 0.5; None where a line has no valid boxes.

    Args:
        line: of predictions.jsonl.
        min_score: boxes of a lower score do not count.
    """
    predicted, annotated = boxes_of(line.get("prediction")), boxes_of(line.get("ground_truth"))
    if predicted is None or annotated is None:
        return None
    boxes, kept = predicted[0], predicted[0].scores >= min_score
    drawn = BoxSet(boxes.boxes_xyxy[kept], boxes.labels[kept], boxes.scores[kept])
    labels = [int(label) for one in (drawn, annotated[0]) for label in one.labels]
    try:
        match = match_boxes(drawn, annotated[0], Boxes(tuple(map(str, range(max(labels, default=0) + 1)))), _METRIC)
    except MetricError:
        return None
    hits = int(((match.hits[0] & _AT_HALF) > 0).sum())
    counted = int(((match.ignored[0] & _AT_HALF) == 0).sum()) + int(match.counted[0].sum())
    return 100.0 * 2 * hits / counted if counted else 100.0


def boxes_of(value: object) -> tuple[BoxSet, dict[int, str]] | None:
    """Returns the boxes that a line of predictions.jsonl holds, and the names of their labels; None for another value.

    Examples:
        >>> boxes_of({"boxes_xyxy": [[0, 0, 4, 4]], "labels": [1], "scores": [0.5], "names": ["cat"]})[1]
        {1: 'cat'}
        >>> boxes_of("a cat")
    """
    match value:
        case {"boxes_xyxy": list() as corners, "labels": list() as labels, "scores": list() as scores, "names":
              list() as names, **rest} if len(corners) == len(labels) == len(scores) == len(names):  # fmt: skip
            pass
        case _:
            return None
    try:
        boxes = BoxSet(
            np.asarray(corners, dtype=np.float64).reshape(-1, 4),
            np.asarray(labels, dtype=np.int64),
            np.asarray(scores, dtype=np.float64),
            crowd=np.asarray(rest.get("crowd", []), dtype=bool),
        )
    except (TypeError, ValueError, OverflowError):
        return None
    return boxes, dict(zip(boxes.labels.tolist(), map(str, names), strict=True))


def _curve(
    task: str, label: int, names: Mapping[str, Mapping[int, str]], images: list[BoxMatches]
) -> PrecisionRecall | None:
    num_annotated = sum(int((one.counted[0] & (one.annotation_labels == label)).sum()) for one in images)
    if not num_annotated:
        return None
    own = [(one.labels == label) & (one.ranks < MAX_DETECTIONS) & ((one.ignored[0] & _AT_HALF) == 0) for one in images]
    scores = np.concatenate([one.scores[mask] for one, mask in zip(images, own, strict=True)])
    hits = np.concatenate([(one.hits[0][mask] & _AT_HALF) > 0 for one, mask in zip(images, own, strict=True)])
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    precision, recall = right / np.arange(1, len(right) + 1), right / num_annotated
    return PrecisionRecall(task, names[task][label], num_annotated, precision, recall, scores[order])
