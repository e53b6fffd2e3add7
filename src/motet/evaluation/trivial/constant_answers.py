"""Answers that look at no picture: the commonest one, the commonest one to a question, one text for all pictures."""

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
_TRIED_ON = 100

AnnotatedRows: TypeAlias = Sequence[tuple[Example, Any]]
"""Rows with their truths."""


def constant_baselines(task: Task, train: AnnotatedRows, held_out: AnnotatedRows, *, seed: int = 0) -> dict[str, float]:
    """What answers without a look at the picture score on held-out rows; the answers come from training rows.

    "majority" is the commonest answer, "question majority" the commonest one to a question of the same words,
    "constant" the text or number that does best on training rows when said of every picture. "second sentence" is the
    commonest answer to a second sentence of the same words, whatever the first. For boxes "constant" is the mean box of
    every class, the surer the more pictures show it; for one region it is the mean box. "largest box" is the largest of
    a row's candidate boxes, "chance" one of its candidates by lot. Hidden regions are told as the "mean of what is
    seen" of their picture, by which they are judged. Maps have "constant" and
    "mean map" (see `constant_maps`). Other kinds of answer have no such floor.

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
            baselines = {"majority": score(task, held_out, [_said(_commonest(train, task))] * len(held_out))}
            if "text" in task.inputs:
                baselines["question majority"] = score(task, held_out, _by_text(task, train, held_out, task.prompt_for))
            if task.inputs == {"text"} and all(_second(example) for example, _ in [*train, *held_out]):
                baselines["second sentence"] = score(task, held_out, _by_text(task, train, held_out, _second))
            return baselines
        case Text():
            best = TextPrediction(_best_text(task, train, seed))
            return {"constant": score(task, held_out, [best] * len(held_out))}
        case Score():
            middle = ScalarPrediction(float(np.median([truth for _, truth in train])))
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
            return {name: score(task, held_out, said) for name, said in maps.items()}
        case Masked("regions"):
            return {"mean of what is seen": score(task, held_out, [ScalarPrediction(0.0)] * len(held_out))}
        case _:
            return {}


def score(task: Task, rows: AnnotatedRows, predictions: Sequence[Prediction]) -> float:
    """The task's main metric over predictions of some rows."""
    metric = task.metrics[0]()
    for (example, annotation), prediction in zip(rows, predictions, strict=True):
        if isinstance(prediction, DenseMap):
            # The map of another row may be of another size.
            prediction = DenseMap(resample(prediction.values, np.shape(annotation)[:2]))
        metric.update(example.id, prediction, annotation, task.target)
    return metric.compute()


def annotation_as_prediction(task: Task, annotation: Any) -> Prediction | None:
    """A truth said as an answer; None for kinds of answer that are no words, no number, no boxes and no map."""
    match task.target:
        case Label() | Answer():
            return _said(_vote(task, annotation))
        case Text():
            return TextPrediction(annotation[0])
        case Score():
            return ScalarPrediction(float(annotation))
        case Boxes():
            return _without_crowds(annotation)
        case Dense():
            return annotation_as_map(annotation, task.target)
        case _:
            return None


def _vote(task: Task, annotation: Any) -> int | str:
    """One row's vote: a class, or what most of its annotators say."""
    return int(annotation) if isinstance(task.target, Label) else Counter(annotation).most_common(1)[0][0]


def _said(vote: int | str) -> Prediction:
    return ClassPrediction(vote) if isinstance(vote, int) else TextPrediction(vote)


def _commonest(rows: AnnotatedRows, task: Task) -> int | str:
    return Counter(_vote(task, annotation) for _, annotation in rows).most_common(1)[0][0]


def _by_text(
    task: Task, train: AnnotatedRows, held_out: AnnotatedRows, text_of: Callable[[Example], str]
) -> list[Prediction]:
    """The commonest answer to a row's text, the commonest of all where no training row has that text."""
    asked: dict[str, Counter[int | str]] = {}
    for example, annotation in train:
        asked.setdefault(text_of(example), Counter())[_vote(task, annotation)] += 1
    overall = Counter({_commonest(train, task): 1})
    return [_said(asked.get(text_of(example), overall).most_common(1)[0][0]) for example, _ in held_out]


def _second(example: Example) -> str:
    """The second of a pair of sentences; "" where there is no pair."""
    return "" if isinstance(example.text, str) or len(example.text) != 2 else example.text[1]


def _mean_boxes(train: AnnotatedRows) -> BoxSet:
    """Each class once, at the mean of its boxes in pixels; its score is the share of pictures that show it."""
    boxes = [_without_crowds(annotation) for _, annotation in train]
    labels = np.concatenate([one.labels for one in boxes]).astype(np.int64)
    corners = np.concatenate([np.asarray(one.boxes_xyxy, dtype=np.float64).reshape(-1, 4) for one in boxes])
    shown = np.unique(labels)
    means = [corners[labels == label].mean(axis=0) for label in shown]
    scores = [np.mean([label in one.labels for one in boxes]) for label in shown]
    return BoxSet(np.asarray(means).reshape(-1, 4), shown, np.asarray(scores, dtype=np.float64))


def _mean_region(train: AnnotatedRows) -> BoxSet:
    """The mean of the training rows' boxes in pixels; no box where most rows mean nothing."""
    meant = [annotation for _, annotation in train if annotation is not None]
    if 2 * len(meant) < len(train):
        return BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
    return _one_box(np.mean(np.asarray(meant, dtype=np.float64), axis=0))


def _largest_box(task: Task, held_out: AnnotatedRows) -> dict[str, float]:
    """The largest of each row's candidate boxes, where every row has some."""
    boxes = [np.asarray(example.candidates, dtype=np.float64) for example, _ in held_out if example.candidates]
    if len(boxes) < len(held_out) or any(one.ndim != 2 or one.shape[1] != 4 for one in boxes):
        return {}
    largest = [int(np.argmax((one[:, 2:] - one[:, :2]).prod(axis=1))) for one in boxes]
    said: list[Prediction] = [
        ClassPrediction(place) if isinstance(task.target, Match) else _one_box(one[place])
        for one, place in zip(boxes, largest, strict=True)
    ]
    return {"largest box": score(task, held_out, said)}


def _one_box(box_xyxy: np.ndarray) -> BoxSet:
    return BoxSet(box_xyxy[None], np.zeros(1, dtype=np.int64), np.ones(1))


def _without_crowds(annotation: BoxSet) -> BoxSet:
    """A truth as an answer: only single things."""
    kept = np.flatnonzero(~annotation.crowd) if len(annotation.crowd) else np.arange(len(annotation.labels))
    attributes = tuple(annotation.attributes[place] for place in kept) if annotation.attributes else ()
    return BoxSet(annotation.boxes_xyxy[kept], annotation.labels[kept], annotation.scores[kept], attributes)


def _best_text(task: Task, train: AnnotatedRows, seed: int) -> str:
    """Of the commonest training texts and some drawn ones, that which scores best on training rows."""
    rng = rng_for("constant text", seed, task.name)
    texts: Counter[str] = Counter(text for _, annotation in train for text in annotation)
    common = [text for text, _ in texts.most_common(_CANDIDATES // 2)]
    rest = sorted(set(texts) - set(common))
    drawn = rng.permutation(len(rest))[: _CANDIDATES - len(common)]
    tried = [train[place] for place in sorted(rng.permutation(len(train))[:_TRIED_ON].tolist())]
    better = 1 if task.metrics[0]().higher_is_better else -1
    candidates = common + [rest[place] for place in drawn.tolist()]
    best: str = max(candidates, key=lambda text: better * score(task, tried, [TextPrediction(text)] * len(tried)))
    return best
