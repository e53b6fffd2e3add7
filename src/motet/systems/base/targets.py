"""A class or an answer of a closed list as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from motet.core import Answer, Label, Task, UnsupportedTask
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, parse_answers


def encode_class(task: Task, annotation: Any, row_id: str) -> dict[str, np.ndarray]:
    """Returns the ``label`` () of a `Label`, or the soft targets ``answers`` (k,) of an `Answer` with names.

    Args:
        task: with such a target.
        annotation: raw; None where it is missing: the label is then -1, and no answer is right.
        row_id: for errors.

    Raises:
        DataError: an annotation that does not fit the task.
        UnsupportedTask: another target.
    """
    match task.target:
        case Label(names):
            return {"label": np.array(-1 if annotation is None else class_index(task, annotation, row_id, len(names)))}
        case Answer(names) if names:
            answers = () if annotation is None else parse_answers(task, annotation, row_id)
            return {"answers": soft_answer_targets(answers, names).numpy()}
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {other}; want a Label, or an Answer with names")
