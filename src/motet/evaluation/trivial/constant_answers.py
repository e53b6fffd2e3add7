"""Trivial baselines that read no image: majority class, majority per question, one constant text or number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    ClassPrediction,
    Dense,
    DenseMap,
    Example,
    Label,
    Masked,
    Match,
    Panoptic,
    PanopticMap,
    Prediction,
    Region,
    ScalarPrediction,
    Score,
    Task,
    Text,
    TextPrediction,
    rng_for,
)
from motet.evaluation.maps import resample
from motet.evaluation.trivial.constant_maps import annotation_as_map, constant_maps

_CANDIDATES = 24
_SAMPLE_ROWS = 100

AnnotatedRows: TypeAlias = Sequence[tuple[Example, Any]]
"""Examples with their annotations."""


def constant_baselines(task: Task, train: AnnotatedRows, held_out: AnnotatedRows, *, seed: int = 0) -> dict[str, float]:
    """Returns the scores on held-out rows of predictions that do not depend on the image, taken from training rows.

    - "majority": the most frequent answer; "question majority": the most frequent one to a question of the same words;
      "second sentence": the most frequent one for a second sentence of the same words, whatever the first.
    - "constant": the text or number that scores best on training rows if predicted for every row; for boxes the mean
    box
      of every class, scored by the share of images with the class; for one region the mean box; for maps see
      `constant_maps`, also for "mean map".
    - "largest box": the largest of a row's candidate boxes; "chance": a random one of its candidates.
    - "mean of visible regions": masked regions predicted as the mean of the visible ones, the zero of their metric.

    Other kinds of target have no such baseline.

    Examples:
        >>> from motet.tasks import classification
        >>> rows = [(Example(id=str(i)), int(i % 4 == 0)) for i in range(8)]
        >>> constant_baselines(classification("pets", ("cat", "dog")), rows, rows)
        {'majority': 75.0}
    """
    if not train or not held_out:
        return {}
    match task.target:
        case Label() | Answer():
            baselines = {
                "majority": score(task, held_out, [_vote_as_prediction(_majority(train, task))] * len(held_out))
            }
            if "text" in task.inputs:
                baselines["question majority"] = score(task, held_out, _by_text(task, train, held_out, task.prompt_for))
            if task.inputs == {"text"} and all(_second(example) for example, _ in [*train, *held_out]):
                baselines["second sentence"] = score(task, held_out, _by_text(task, train, held_out, _second))
            return baselines
        case Text():
            best = TextPrediction(_best_text(task, train, seed))
            return {"constant": score(task, held_out, [best] * len(held_out))}
        case Score():
            middle = ScalarPrediction(float(np.median([annotation for _, annotation in train])))
            return {"constant": score(task, held_out, [middle] * len(held_out))}
        case Boxes():
            return {"constant": score(task, held_out, [_mean_boxes(train)] * len(held_out))}
        case Region():
            constant = {"constant": score(task, held_out, [_mean_region(train)] * len(held_out))}
            return constant | _largest_box(task, held_out)
        case Match(pool="row"):
            shares = [
                len(annotation) / len(example.candidates) for example, annotation in held_out if example.candidates
            ]
            chance = {"chance": 100.0 * float(np.mean(shares))} if len(shares) == len(held_out) else {}
            return chance | (_largest_box(task, held_out) if task.target.among == "regions" else {})
        case Dense():
            maps = constant_maps(task.target, train, held_out)
            return {name: score(task, held_out, predictions) for name, predictions in maps.items()}
        case Masked("regions"):
            return {"mean of visible regions": score(task, held_out, [ScalarPrediction(0.0)] * len(held_out))}
        case _:
            return {}


def score(task: Task, rows: AnnotatedRows, predictions: Sequence[Prediction]) -> float:
    """Returns the task's main metric of predictions for some rows."""
    metric = task.metrics[0]()
    for (example, annotation), prediction in zip(rows, predictions, strict=True):
        if isinstance(prediction, DenseMap):
            # A map of another row may have another size.
            prediction = DenseMap(resample(prediction.values, np.shape(annotation)[:2]))
        if isinstance(prediction, PanopticMap):
            prediction = prediction.resized(annotation.segments.shape)
        metric.update(example.id, prediction, annotation, task.target)
    return metric.compute()


def annotation_as_prediction(task: Task, annotation: Any) -> Prediction | None:
    """Returns an annotation as a prediction; None for kinds of target without text, number, boxes or map."""
    match task.target:
        case Label() | Answer():
            return _vote_as_prediction(_vote(task, annotation))
        case Text():
            return TextPrediction(annotation[0])
        case Score():
            return ScalarPrediction(float(annotation))
        case Boxes():
            return _without_crowds(annotation)
        case Dense():
            return annotation_as_map(annotation, task.target)
        case Panoptic():
            return PanopticMap(annotation.segments, annotation.labels)
        case _:
            return None


def _vote(task: Task, annotation: Any) -> int | str:
    """Returns one row's vote: its class, or the most frequent answer of its annotators."""
    return int(annotation) if isinstance(task.target, Label) else Counter(annotation).most_common(1)[0][0]


def _vote_as_prediction(vote: int | str) -> Prediction:
    return ClassPrediction(vote) if isinstance(vote, int) else TextPrediction(vote)


def _majority(rows: AnnotatedRows, task: Task) -> int | str:
    return Counter(_vote(task, annotation) for _, annotation in rows).most_common(1)[0][0]


def _by_text(
    task: Task, train: AnnotatedRows, held_out: AnnotatedRows, text_of: Callable[[Example], str]
) -> list[Prediction]:
    """Predicts the most frequent answer to a row's text, or the most frequent of all for a new text."""
    by_text: dict[str, Counter[int | str]] = {}
    for example, annotation in train:
        by_text.setdefault(text_of(example), Counter())[_vote(task, annotation)] += 1
    overall = Counter({_majority(train, task): 1})
    return [_vote_as_prediction(by_text.get(text_of(example), overall).most_common(1)[0][0]) for example, _ in held_out]


def _second(example: Example) -> str:
    """Returns the second of a pair of sentences; "" without a pair."""
    return "" if isinstance(example.text, str) or len(example.text) != 2 else example.text[1]


def _mean_boxes(train: AnnotatedRows) -> BoxSet:
    """Predicts each class once, at the mean of its boxes in pixels, scored by the share of images with the class."""
    boxes = [_without_crowds(annotation) for _, annotation in train]
    labels = np.concatenate([one.labels for one in boxes]).astype(np.int64)
    corners = np.concatenate([np.asarray(one.boxes_xyxy, dtype=np.float64).reshape(-1, 4) for one in boxes])
    classes = np.unique(labels)
    means = [corners[labels == label].mean(axis=0) for label in classes]
    scores = [np.mean([label in one.labels for one in boxes]) for label in classes]
    return BoxSet(np.asarray(means).reshape(-1, 4), classes, np.asarray(scores, dtype=np.float64))


def _mean_region(train: AnnotatedRows) -> BoxSet:
    """Predicts the mean of the training rows' boxes in pixels; no box if most rows have none."""
    regions = [annotation for _, annotation in train if annotation is not None]
    if 2 * len(regions) < len(train):
        return BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
    return _one_box(np.mean(np.asarray(regions, dtype=np.float64), axis=0))


def _largest_box(task: Task, held_out: AnnotatedRows) -> dict[str, float]:
    """Evaluates the largest of each row's candidate boxes; empty if a row has no candidates."""
    boxes = [np.asarray(example.candidates, dtype=np.float64) for example, _ in held_out if example.candidates]
    if len(boxes) < len(held_out) or any(one.ndim != 2 or one.shape[1] != 4 for one in boxes):
        return {}
    largest = [int(np.argmax((one[:, 2:] - one[:, :2]).prod(axis=1))) for one in boxes]
    predictions: list[Prediction] = [
        ClassPrediction(place) if isinstance(task.target, Match) else _one_box(one[place])
        for one, place in zip(boxes, largest, strict=True)
    ]
    return {"largest box": score(task, held_out, predictions)}


def _one_box(box_xyxy: np.ndarray) -> BoxSet:
    return BoxSet(box_xyxy[None], np.zeros(1, dtype=np.int64), np.ones(1))


def _without_crowds(annotation: BoxSet) -> BoxSet:
    """Returns annotated boxes as a prediction, without crowds."""
    kept = np.flatnonzero(~annotation.crowd) if len(annotation.crowd) else np.arange(len(annotation.labels))
    attributes = tuple(annotation.attributes[place] for place in kept) if annotation.attributes else ()
    return BoxSet(annotation.boxes_xyxy[kept], annotation.labels[kept], annotation.scores[kept], attributes)


def _best_text(task: Task, train: AnnotatedRows, seed: int) -> str:
    """Returns, of the most frequent training texts and some random ones, the one that scores best on training rows."""
    rng = rng_for("constant text", seed, task.name)
    texts: Counter[str] = Counter(text for _, annotation in train for text in annotation)
    common = [text for text, _ in texts.most_common(_CANDIDATES // 2)]
    rest = sorted(set(texts) - set(common))
    drawn = rng.permutation(len(rest))[: _CANDIDATES - len(common)]
    sample = [train[place] for place in sorted(rng.permutation(len(train))[:_SAMPLE_ROWS].tolist())]
    better = 1 if task.metrics[0]().higher_is_better else -1
    candidates = common + [rest[place] for place in drawn.tolist()]
    best: str = max(candidates, key=lambda text: better * score(task, sample, [TextPrediction(text)] * len(sample)))
    return best
