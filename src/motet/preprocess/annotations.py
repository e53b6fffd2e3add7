"""Parses the annotations of a row and checks them against its task.

Every system encodes targets in its own way; the valid classes, answers, texts and candidates are the same for all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from motet.core import DataError, Example, Match, Task
from motet.preprocess.tokenizers import normalise


def class_index(task: Task, annotation: Any, row_id: str, count: int) -> int:
    """Returns a class as an int. Raises DataError on a value that is no class."""
    if isinstance(annotation, bool) or not isinstance(annotation, int | np.integer) or not 0 <= annotation < count:
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want a class from 0 to {count - 1}")
    return int(annotation)


def parse_answers(task: Task, annotation: Any, row_id: str) -> tuple[str, ...]:
    """Returns the annotators' answers, one text each, which may be empty. Raises DataError where there is none."""
    answers = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(answers, tuple | list) or not answers or not all(isinstance(text, str) for text in answers):
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want the annotators' answers, at least one")
    return tuple(answers)


def parse_texts(task: Task, annotation: Any, row_id: str) -> tuple[str, ...]:
    """Returns the texts of an annotation without empty ones. Raises DataError where there is none."""
    texts = (annotation,) if isinstance(annotation, str) else annotation
    if not isinstance(texts, tuple | list) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want a text or a list of texts")
    non_empty = tuple(text for text in texts if normalise(text))
    if not non_empty:
        raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want at least one text that is not empty")
    return non_empty


def matching_candidates(task: Task, annotation: Any, row_id: str, count: int) -> np.ndarray:
    """Returns the mask of the matching candidates, bool (count,). Raises DataError on other than a set of indices."""
    indices = (
        list(annotation) if isinstance(annotation, Collection) and not isinstance(annotation, str) else [annotation]
    )
    if not all(isinstance(i, int | np.integer) and not isinstance(i, bool) and 0 <= i < count for i in indices):
        raise DataError(
            f"{row_id}: task {task.name!r}: got {annotation!r}; want the set of right candidates, from 0 to {count - 1}"
        )
    matches = np.zeros(count, dtype=bool)
    matches[[int(i) for i in indices]] = True
    return matches


def parse_pairs(task: Task, example: Example) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Returns the different texts of a matching row, and its candidates as pairs (index of a text, index of an image).

    A candidate is one of these: a text, for the first image or the video, where `among` is "texts"; the id of an image,
    for the text of the row, where `among` is "images"; a pair (index of an image, text) in composed rows, whose
    candidates differ in both.

    Raises:
        DataError: no candidates, or other values.
    """
    assert isinstance(task.target, Match)  # checked by the callers
    texts: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    video = "video" in task.inputs
    for candidate in example.candidates:
        match candidate:
            case (int() as image, str() as text) if 0 <= image < (1 if video else len(example.images)):
                prompt = task.prompt.format(text=text)
            case str() if task.target.among == "texts":
                image, prompt = 0, task.prompt.format(text=candidate)
            case _ if task.target.among == "images" and not video and candidate in example.image_ids:
                image, prompt = example.image_ids.index(candidate), task.prompt_for(example)
            case _:
                raise DataError(
                    f"{example.id}: task {task.name!r}: candidate: got {candidate!r}; want "
                    + ("a text" if task.target.among == "texts" else f"an id of {example.image_ids}")
                    + ", or a pair (index of an image, text)"
                )
        pairs.append((texts.setdefault(prompt, len(texts)), image))
    if not pairs:
        raise DataError(f"{example.id}: task {task.name!r}: candidates: got none; want at least one")
    return tuple(texts), tuple(pairs)
