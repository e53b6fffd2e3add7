"""Targets as systems check and encode them: the supported kinds, and classes and answers as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from motet.core import Answer, Label, Task, UnsupportedTask
from motet.losses import soft_answer_targets
from motet.preprocess.annotations import class_index, parse_answers


def check_target(task: Task, system: str, *kinds: type[Any], closed: bool = False) -> None:
    """Raises UnsupportedTask for a task whose kind of target a system does not support.

    Args:
        task: of any kind.
        system: its name in the error.
        kinds: that it supports, at least two.
        closed: whether it chooses answers from a list, so that an `Answer` needs names.
    """
    if not isinstance(task.target, kinds):
        names = ["Answer with names" if closed and kind is Answer else kind.__name__ for kind in kinds]
        raise UnsupportedTask(
            f"task {task.name!r}: {system} answers {', '.join(names[:-1])} and {names[-1]}: got "
            f"{type(task.target).__name__}; want one of those, or another system"
        )
    if closed and isinstance(task.target, Answer) and not task.target.names:
        raise UnsupportedTask(
            f"task {task.name!r}: {system} chooses from a list of answers: got an Answer without names; want its names"
        )


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
