"""Annotations as they are read, checked against the task that they answer.

Every system encodes truths in its own way; what a class, an answer, a text or a candidate may be is the same for all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from motet.core import DataError, Example, Match, Task
from motet.preprocess.tokenizers import normalise


def class_index(task: Task, annotation: Any, row_id: str, count: int) -> int:
    """A class as a number. Raises DataError on one that is none."""
    if isinstance(annotation, bool) or not isinstance(annotation, int | np.integer) or not 0 <= annotation < count:
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want a class from 0 to {count - 1}")
    return int(annotation)


def parse_answers(task: Task, annotation: Any, row_id: str) -> tuple[str, ...]:
    """What annotators answered, one text each: one of them may have said nothing. Raises DataError on no answers."""
    found = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(found, tuple | list) or not found or not all(isinstance(text, str) for text in found):
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want the annotators' answers, at least one")
    return tuple(found)


def parse_texts(task: Task, annotation: Any, row_id: str) -> tuple[str, ...]:
    """A truth that is texts, without empty ones. Raises DataError where there is none."""
    found = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(found, tuple | list) or not all(isinstance(text, str) for text in found):
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want texts")
    kept = tuple(text for text in found if normalise(text))
    if not kept:
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want at least one text that is not empty")
    return kept


def matching_candidates(task: Task, annotation: Any, row_id: str, count: int) -> np.ndarray:
    """Which candidates are right, as truth values. Raises DataError on what is no set of their places."""
    places = (
        list(annotation) if isinstance(annotation, Collection) and not isinstance(annotation, str) else [annotation]
    )
    if not all(isinstance(i, int | np.integer) and not isinstance(i, bool) and 0 <= i < count for i in places):
        raise DataError(
            f"{row_id}: task {task.name!r}: got {annotation!r}; want the set of right candidates, from 0 to {count - 1}"
        )
    right = np.zeros(count, dtype=bool)
    right[[int(i) for i in places]] = True
    return right


def parse_pairs(task: Task, example: Example) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The texts of a matching row, and its candidates as pairs of a text's place and a picture's.

    A candidate is a text (of the first picture or the video, and `among` is "texts"), a picture's id (with the row's
    text, and `among` is "images"), or a pair (picture's place, text), as composed rows have them whose candidates
    differ in both.

    Raises:
        DataError: no candidates, or others.
    """
    assert isinstance(task.target, Match)  # its caller asked
    texts: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    video = "video" in task.inputs
    for candidate in example.candidates:
        match candidate:
            case (int() as image, str() as text) if 0 <= image < (1 if video else len(example.images)):
                words = task.prompt.format(text=text)
            case str() if task.target.among == "texts":
                image, words = 0, task.prompt.format(text=candidate)
            case _ if task.target.among == "images" and not video and candidate in example.image_ids:
                image, words = example.image_ids.index(candidate), task.prompt_for(example)
            case _:
                raise DataError(
                    f"{example.id}: task {task.name!r}: candidate: got {candidate!r}; want "
                    + ("a text" if task.target.among == "texts" else f"an id of {example.image_ids}")
                    + ", or a pair of a picture's place and a text"
                )
        pairs.append((texts.setdefault(words, len(texts)), image))
    if not pairs:
        raise DataError(f"{example.id}: task {task.name!r}: candidates: got none; want at least one")
    return tuple(texts), tuple(pairs)
