"""Classes and answers of a closed list: annotations as arrays, scores as predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from motet.core import Answer, ClassPrediction, Label, Prediction, Task, UnsupportedTask
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, parse_answers


def encode_class(task: Task, annotation: Any, row_id: str) -> dict[str, np.ndarray]:
    """Returns the annotation of a `Label` as ``label`` (), or of an `Answer` as soft targets ``answers`` (k,).

    Args:
        task: with such a target, and names.
        annotation: raw; None if it is not known: then -1, or zeros.
        row_id: for the error.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label(names):
            return {"label": np.array(-1 if annotation is None else class_index(task, annotation, row_id, len(names)))}
        case Answer(names):
            answers = () if annotation is None else parse_answers(task, annotation, row_id)
            return {"answers": soft_answer_targets(answers, names).numpy()}
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want a Label or an Answer")


def class_predictions(scores: Float[Tensor, "r k"], names: Sequence[str]) -> list[Prediction]:
    """Returns per row the name with the highest score, and the scores of all names."""
    best = scores.argmax(-1).tolist()
    return [ClassPrediction(i, names[i], tuple(row)) for i, row in zip(best, scores.tolist(), strict=True)]
