"""The annotation of a row as systems read it, and the text of a row whose words are masked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from motet.core import DataError, Example, Match, Region, Task


def annotation_of_row(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Returns whether a row is annotated for its task, and the annotation.

    Rows of a `Match` over a split that have candidates of their own have theirs under "match".

    Args:
        example: the row.
        task: one of its tasks.
        evaluation: whether a missing annotation is no error.

    Raises:
        DataError: in training, no annotation; or None, which only a `Region` may have: it refers to nothing.
    """
    over_split = isinstance(task.target, Match) and task.target.pool == "split"
    label = "match" if over_split and example.candidates else task.label
    if label not in example.labels:
        return (False, None) if evaluation else (True, replace(task, label=label).annotation_of(example))
    annotation = example.labels[label]
    if annotation is None and not isinstance(task.target, Region):
        raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {label!r}")
    return True, annotation


def text_to_mask(example: Example, task: Task, rng: np.random.Generator | None) -> str:
    """Returns the text whose words are masked: the annotation if it is a text, else the row's.

    Args:
        example: the row.
        task: a `Masked` one.
        rng: draws one of several annotated texts; None for the first.
    """
    annotation = example.labels.get(task.label)
    if isinstance(annotation, str):
        return task.prompt.format(text=annotation)
    if isinstance(annotation, tuple | list) and annotation and all(isinstance(text, str) for text in annotation):
        return task.prompt.format(text=annotation[0 if rng is None else int(rng.integers(len(annotation)))])
    return task.prompt_for(example)
