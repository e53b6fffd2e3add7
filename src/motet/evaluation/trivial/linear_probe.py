"""The trivial baseline "linear probe": a linear model on the pretrained features, fitted in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from motet.core import (
    Answer,
    ClassPrediction,
    Example,
    Label,
    Prediction,
    ScalarPrediction,
    Score,
    Task,
    TextPrediction,
    rng_for,
)
from motet.evaluation.trivial.bag_of_words import BagOfWords
from motet.evaluation.trivial.constant_answers import AnnotatedRows
from motet.evaluation.trivial.linear_fit import LinearLoss, LinearModel, fit_linear
from motet.evaluation.trivial.pretrained_features import PretrainedFeatures

MAX_ROWS = 4_000
"""Training rows that a probe is fitted to at most; of more rows some are drawn."""

MAX_ANSWERS = 100
"""Answers that a probe chooses from at most, the commonest ones."""

_MAX_LOGISTIC = 1.5e7  # rows x features x classes: some ten seconds on one core of a laptop
_MAX_PRODUCTS = 12_500_000_000  # rows x features^2, 50,000 x 500^2: what a ridge regression takes for one fold
_FOLDS = 5

_Vectors: TypeAlias = Callable[[Sequence[Example]], Float[np.ndarray, "n d"]]


@dataclass(frozen=True)
class LinearProbe:
    """A fitted linear model on features that no training of the run has changed.

    For a `Label` or an `Answer` it is a logistic regression, or, where that would take long, a ridge regression to
    one-hot classes; for a `Score` a ridge regression. The strength of the penalty is chosen by five-fold
    cross-validation on the training rows, never on held-out ones. Features are those of the nearest neighbour for
    images, the mean over tokens of the text encoder's states for texts alone, and a bag of words for texts beside an
    image or without such an encoder.

    Args:
        vectors: the features of Examples.
        model: the linear model.
        outputs: a prediction per class; none for a `Score`.
        about: one line on the features, the model and the rows.
        is_logistic: whether the scores are the logits of a softmax.
    """

    vectors: _Vectors
    model: LinearModel
    outputs: tuple[Prediction, ...]
    about: str
    is_logistic: bool = False

    @classmethod
    def fit(
        cls,
        features: PretrainedFeatures,
        task: Task,
        train: AnnotatedRows,
        *,
        seed: int = 0,
        max_rows: int = MAX_ROWS,
        loss: LinearLoss | None = None,
    ) -> Self | None:
        """Fits a probe to training rows, of more than `max_rows` to some; returns None for tasks without one.

        The loss is the logistic one for classes where that is quick, by default.

        These are tasks with texts, boxes, maps or rankings to predict, with several images per row, without a
        pretrained encoder for their images, or with a single class or image in the training rows.
        """
        values = _values(task, train)
        if values is None:
            return None
        rows = [(example, value) for (example, _), value in zip(train, values, strict=True) if value is not None]
        if len(rows) > max_rows:
            places = rng_for("probe rows", seed, task.name).choice(len(rows), size=max_rows, replace=False)
            rows = [rows[place] for place in sorted(places.tolist())]
        examples = [example for example, _ in rows]
        classes = () if isinstance(task.target, Score) else tuple(sorted({value for _, value in rows}))
        folds = _folds(examples, seed, task.name)
        found = None if len(set(folds.tolist())) < 2 or len(classes) == 1 else _vectors_for(features, task, examples)
        if found is None:
            return None
        vectors, kind = found
        x = vectors(examples)
        if not x.shape[1]:
            return None
        targets = np.array(
            [[value == one for one in classes] if classes else [value] for _, value in rows], dtype=float
        )
        logistic = bool(classes) and x.size * len(classes) <= _MAX_LOGISTIC and loss != "squared"
        model = fit_linear(x, targets, folds, "logistic" if logistic else "squared")
        about = (
            f"linear probe of {task.name}: {'logistic' if logistic else 'ridge'} regression on {x.shape[1]} features "
            f"({kind}) of {len(rows)} training rows, strength {model.strength:g}"
        )
        return cls(vectors, model, tuple(_prediction(task, one) for one in classes), about, logistic)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns one prediction per Example."""
        scores = self.model.scores(self.vectors(examples))
        if not self.outputs:
            return [ScalarPrediction(float(value)) for value in scores[:, 0]]
        return [self.outputs[place] for place in scores.argmax(axis=1).tolist()]


def cheap_rows(features: PretrainedFeatures, task: Task, example: Example) -> int:
    """Returns the number of rows that a probe is fitted to in seconds, once their features are known.

    Args:
        features: of the encoder.
        task: what the probe predicts.
        example: one row, whose features have the width of all.
    """
    found = _vectors_for(features, task, [example])
    width = 0 if found is None else found[0]([example]).shape[1]
    return max(MAX_ROWS, _MAX_PRODUCTS // max(1, width) ** 2) if width else MAX_ROWS


def _values(task: Task, train: AnnotatedRows) -> list[Any] | None:
    """Returns the value that each row's features shall predict, None for rows that are left out."""
    match task.target:
        case Label():
            return [int(annotation) for _, annotation in train]
        case Score():
            return [float(annotation) for _, annotation in train]
        case Answer(names):
            votes: list[str] = [Counter(annotation).most_common(1)[0][0] for _, annotation in train]
            counts = Counter(vote for vote in votes if not names or vote in names)
            common = {answer for answer, _ in counts.most_common(MAX_ANSWERS)}
            return [vote if vote in common else None for vote in votes]
        case _:
            return None


def _prediction(task: Task, value: Any) -> Prediction:
    return ClassPrediction(value) if isinstance(task.target, Label) else TextPrediction(value)


def _folds(examples: Sequence[Example], seed: int, name: str) -> Int[np.ndarray, "n"]:
    """Returns a fold per row; rows of one image are in one fold."""
    keys = [example.image_ids or (example.id,) for example in examples]
    groups = sorted(set(keys))
    places = rng_for("probe folds", seed, name).permutation(len(groups)) % _FOLDS
    fold_of = dict(zip(groups, places.tolist(), strict=True))
    return np.array([fold_of[key] for key in keys], dtype=int)


def _vectors_for(features: PretrainedFeatures, task: Task, examples: Sequence[Example]) -> tuple[_Vectors, str] | None:
    """Returns the features of a task's inputs, and their kind in words; None if an input has none."""
    parts: list[_Vectors] = []
    kinds: list[str] = []
    if task.inputs != {"text"}:
        one_each = all(len(example.images) == 1 or "video" in task.inputs for example in examples)
        if not one_each or not all(example.images for example in examples) or not features.has_images:
            return None
        parts.append(lambda rows: features.of_images(task, rows))
        kinds.append("mean image features")
    if "text" in task.inputs:
        count = max(len(_sentences(example)) for example in examples)
        if task.inputs == {"text"} and count in (1, 2) and features.has_texts:
            parts.append(lambda rows: _text_vectors(features, rows, count))
            kinds.append("mean text states")
        else:
            bag = BagOfWords.of([_sentences(example) for example in examples])
            parts.append(lambda rows: bag.vectors([_sentences(example) for example in rows]))
            kinds.append("bag of words")
    return lambda rows: np.concatenate([part(rows) for part in parts], axis=1), " and ".join(kinds)


def _text_vectors(features: PretrainedFeatures, rows: Sequence[Example], count: int) -> Float[np.ndarray, "n d"]:
    """Returns a sentence's vector; of a pair both, their distance and their product in each dimension."""
    texts = [(_sentences(example) + ("",) * count)[:count] for example in rows]
    sides = [features.of_texts(column) for column in zip(*texts, strict=True)]
    if count == 2:
        sides += [np.abs(sides[0] - sides[1]), sides[0] * sides[1]]
    return np.concatenate(sides, axis=1)


def _sentences(example: Example) -> tuple[str, ...]:
    return (example.text,) if isinstance(example.text, str) else example.text
