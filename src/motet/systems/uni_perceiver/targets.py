"""The answers that Uni-Perceiver supports, and the text that a row is trained to generate."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Any, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    Dense,
    Label,
    Masked,
    Match,
    Panoptic,
    Region,
    Score,
    Task,
    Text,
    UnsupportedTask,
)
from motet.preprocess.annotations import parse_texts


class Family(StrEnum):
    """A family of tasks, which share one learned scale of their similarities.

    The values name weights of saved models.
    """

    IMAGE_CLASS = "picture"
    VIDEO_CLASS = "video"
    TEXT_CLASS = "sentence"
    QUESTION = "question"
    MASKED_WORD = "word"
    GENERATION = "said"
    MATCH = "fit"


_ANSWERS = "Label, Answer, Text, Match among texts or images, and Masked words"


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task whose answer or inputs this system does not support."""
    match task.target:
        case Label() | Answer() | Text() | Match("texts" | "images") | Masked("words"):
            pass
        case Boxes() | Region() | Dense() | Panoptic() | Score() | Match() | Masked():
            raise UnsupportedTask(
                f"task {task.name!r}: Uni-Perceiver answers {_ANSWERS}: got {task.target}; want one of those, or "
                "another system"
            )
        case other:
            assert_never(other)
    if not task.inputs or not task.inputs <= {"image", "text", "video"} or {"image", "video"} <= task.inputs:
        raise UnsupportedTask(
            f"task {task.name!r}: got inputs {sorted(task.inputs)}; want an image or a video, a text, or both, which "
            "are the inputs of Uni-Perceiver"
        )
    if task.target == Answer() and "text" not in task.inputs:
        # No token names the task: without a question such an answer looks like a caption.
        raise UnsupportedTask(
            f"task {task.name!r}: got an Answer without names and inputs {sorted(task.inputs)}; want 'text' among the "
            "inputs, or the answers' names: only its question distinguishes it from a caption"
        )
    if isinstance(task.target, Match) and not is_visual(task):
        raise UnsupportedTask(
            f"task {task.name!r}: got a Match and inputs {sorted(task.inputs)}; want 'image' or 'video' among them: "
            "texts are matched with those"
        )


def is_visual(task: Task) -> bool:
    """Returns true for a task with images or videos as inputs."""
    return bool(task.inputs & {"image", "video"})


def is_generated(task: Task) -> bool:
    """Returns true for a task whose answer is generated word by word."""
    return isinstance(task.target, Text) or task.target == Answer()


def has_word_loss(task: Task) -> bool:
    """Returns true for a task whose loss is a mean over words, not over rows."""
    return is_generated(task) or isinstance(task.target, Masked)


def has_text_inputs(task: Task) -> bool:
    """Returns true for a task with text among its inputs; words that are generated or masked are inputs, too."""
    if isinstance(task.target, Match):
        return False
    return "text" in task.inputs or has_word_loss(task)


def family_of(task: Task) -> Family:
    """Returns the family whose scale a task's similarities have."""
    match task.target:
        case Match():
            return Family.MATCH
        case Masked():
            return Family.MASKED_WORD
        case _ if is_generated(task):
            return Family.GENERATION
        case _ if "text" in task.inputs:
            return Family.QUESTION if is_visual(task) else Family.TEXT_CLASS
        case _:
            return Family.VIDEO_CLASS if "video" in task.inputs else Family.IMAGE_CLASS


def target_text(task: Task, annotation: Any, row_id: str, rng: np.random.Generator | None) -> str:
    """Returns the text to generate: a random one of several in training, else the first, or the most common answer."""
    found = parse_texts(task, annotation, row_id)
    if rng is not None:
        return found[int(rng.integers(len(found)))]
    return Counter(found).most_common(1)[0][0] if isinstance(task.target, Answer) else found[0]
