"""The annotation of a row, and the text of a row whose words are masked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from motet.core import Boxes, DataError, Example, Match, Region, Task


def annotation_of_row(example: Example, task: Task, *, evaluation: bool) -> tuple[bool, Any]:
    """Returns true and a row's annotation, or false and None where evaluation finds none.

    A row of a `Match` over a split that has candidates of its own is annotated with the matching ones, under "match".

    Args:
        example: the row.
        task: of the row.
        evaluation: a missing annotation is no error yet.

    Raises:
        DataError: no annotation in training, or None for a target other than `Boxes` (an image without any) and
            `Region` (an expression that refers to nothing).
    """
    if isinstance(task.target, Match) and task.target.pool == "split" and example.candidates:
        task = replace(task, label="match")
    if evaluation and task.label not in example.labels:
        return False, None
    annotation = task.annotation_of(example)
    if annotation is None and not isinstance(task.target, Boxes | Region):
        raise DataError(f"{example.id}: task {task.name!r}: got None; want the annotation {task.label!r}")
    return True, annotation


def text_to_mask(example: Example, task: Task, rng: np.random.Generator | None) -> str:
    """Returns the text whose words are masked: the annotation if it is a text or several, else the row's text.

    Args:
        example: the row.
        task: of the row.
        rng: draws one of several texts; None for the first.
    """
    annotation = example.labels.get(task.label)
    texts = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(texts, tuple | list) or not texts or not all(isinstance(text, str) for text in texts):
        return task.prompt_for(example)
    drawn = 0 if rng is None or isinstance(annotation, str) else int(rng.integers(len(texts)))
    return task.prompt.format(text=texts[drawn])
