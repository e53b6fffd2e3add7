"""The candidates of matching rows as arrays, and rows that are matched with a whole split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import Example, Match, Task
from motet.preprocess.annotations import matching_candidates, parse_pairs


def encode_candidates(
    example: Example, task: Task, annotation: Any
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, np.ndarray]]:
    """Returns the different texts of a row, the names of its candidates, and arrays with one item per candidate.

    The arrays are ``text`` and ``image``, the indices of a candidate's text and image, ``is_match``, and ``valid``,
    which is False on the padding of a batch.

    Args:
        example: a row with candidates.
        task: a `Match` of texts and images.
        annotation: the matching candidates; None if they are not known.

    Raises:
        DataError: no candidates, or bad ones.
    """
    texts, pairs = parse_pairs(task, example)
    names = tuple(c if isinstance(c, str) else str(c[1]) for c in example.candidates)
    is_match = np.zeros(len(pairs), dtype=bool)
    if annotation is not None:
        is_match = matching_candidates(task, annotation, example.id, len(pairs))
    text_of, image_of = np.array(pairs).T
    return texts, names, {"text": text_of, "image": image_of, "is_match": is_match, "valid": np.ones_like(is_match)}


def task_of_split(example: Example, tasks: Sequence[Task]) -> Task | None:
    """Returns the task of a row that is paired with a whole split: a text alone, or an image without candidates."""
    for task in tasks:
        if isinstance(task.target, Match) and task.target.pool == "split" and not example.candidates:
            return task
    return None
