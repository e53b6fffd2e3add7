"""What Uni-Perceiver answers, and what it learns of a row."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, TypeAlias, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    Dense,
    Label,
    Masked,
    Match,
    Region,
    Score,
    Task,
    Text,
    UnsupportedTask,
)
from motet.preprocess.annotations import parse_texts

Family: TypeAlias = Literal["picture", "video", "sentence", "question", "word", "said", "fit"]
"""Tasks of one family share the scale of their similarities."""

_ANSWERS = "Label, Answer, Text, Match among texts or images, and Masked words"


def check(task: Task) -> None:
    """Raises UnsupportedTask for a task that this system cannot answer, or that sees what it does not."""
    match task.target:
        case Label() | Answer() | Text() | Match("texts" | "images") | Masked("words"):
            pass
        case Boxes() | Region() | Dense() | Score() | Match() | Masked():
            raise UnsupportedTask(
                f"task {task.name!r}: Uni-Perceiver answers {_ANSWERS}: got {task.target}; want one of those, or "
                "another system"
            )
        case other:
            assert_never(other)
    if not task.inputs or not task.inputs <= {"image", "text", "video"} or {"image", "video"} <= task.inputs:
        raise UnsupportedTask(
            f"task {task.name!r}: Uni-Perceiver sees an image or a video, a text, or both: got {sorted(task.inputs)}; "
            "want no others"
        )
    if task.target == Answer() and "text" not in task.inputs:
        # No token names the task: without a question nothing tells such an answer from a caption.
        raise UnsupportedTask(
            f"task {task.name!r}: an Answer without names is told from a caption by its question: got a task that sees "
            f"{sorted(task.inputs)}; want 'text' in it, or the answers' names"
        )
    if isinstance(task.target, Match) and not is_visual(task):
        raise UnsupportedTask(
            f"task {task.name!r}: texts are matched with images or videos: got a task that sees {sorted(task.inputs)}; "
            "want 'image' or 'video' in it"
        )


def is_visual(task: Task) -> bool:
    """Whether a task looks at a picture or a video."""
    return bool(task.inputs & {"image", "video"})


def is_said(task: Task) -> bool:
    """Whether a task is answered word by word."""
    return isinstance(task.target, Text) or task.target == Answer()


def reads(task: Task) -> bool:
    """Whether a text is among a task's inputs; the words of a text that is said are."""
    if isinstance(task.target, Match):
        return False
    return "text" in task.inputs or is_said(task) or isinstance(task.target, Masked)


def family_of(task: Task) -> Family:
    """Which scale a task's similarities have."""
    match task.target:
        case Match():
            return "fit"
        case Masked():
            return "word"
        case _ if is_said(task):
            return "said"
        case _ if "text" in task.inputs:
            return "question" if is_visual(task) else "sentence"
        case _:
            return "video" if "video" in task.inputs else "picture"


def said_of(task: Task, annotation: Any, row_id: str, rng: np.random.Generator | None) -> str:
    """The text to learn: one of several by lot in training, else the first, or the commonest answer."""
    found = parse_texts(task, annotation, row_id)
    if rng is not None:
        return found[int(rng.integers(len(found)))]
    return Counter(found).most_common(1)[0][0] if isinstance(task.target, Answer) else found[0]
