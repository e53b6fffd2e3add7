"""What Uni-Perceiver answers, and what it learns of a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    DataError,
    Dense,
    Example,
    Label,
    Masked,
    Match,
    Region,
    Score,
    Task,
    Text,
    UnsupportedTask,
)
from motet.losses import soft_answer_targets
from motet.prep.words import normalise

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
    if not task.sees or not task.sees <= {"image", "text", "video"} or {"image", "video"} <= task.sees:
        raise UnsupportedTask(
            f"task {task.name!r}: Uni-Perceiver sees an image or a video, a text, or both: got {sorted(task.sees)}; "
            "want no others"
        )
    if task.target == Answer() and "text" not in task.sees:
        # No token names the task: without a question nothing tells such an answer from a caption.
        raise UnsupportedTask(
            f"task {task.name!r}: an Answer without names is told from a caption by its question: got a task that sees "
            f"{sorted(task.sees)}; want 'text' in it, or the answers' names"
        )
    if isinstance(task.target, Match) and not is_visual(task):
        raise UnsupportedTask(
            f"task {task.name!r}: texts are matched with images or videos: got a task that sees {sorted(task.sees)}; "
            "want 'image' or 'video' in it"
        )


def is_visual(task: Task) -> bool:
    """Whether a task looks at a picture or a video."""
    return bool(task.sees & {"image", "video"})


def is_said(task: Task) -> bool:
    """Whether a task is answered word by word."""
    return isinstance(task.target, Text) or task.target == Answer()


def reads(task: Task) -> bool:
    """Whether a text is among a task's inputs; the words of a text that is said are."""
    if isinstance(task.target, Match):
        return False
    return "text" in task.sees or is_said(task) or isinstance(task.target, Masked)


def family_of(task: Task) -> Family:
    """Which scale a task's similarities have."""
    match task.target:
        case Match():
            return "fit"
        case Masked():
            return "word"
        case _ if is_said(task):
            return "said"
        case _ if "text" in task.sees:
            return "question" if is_visual(task) else "sentence"
        case _:
            return "video" if "video" in task.sees else "picture"


def index_of(task: Task, truth: Any, row_id: str, count: int) -> int:
    """A class as a number. Raises DataError on one that is none."""
    if isinstance(truth, bool) or not isinstance(truth, int | np.integer) or not 0 <= truth < count:
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want a class from 0 to {count - 1}")
    return int(truth)


def soft_answers_of(task: Task, truth: Any, row_id: str, names: Sequence[str]) -> np.ndarray:
    """Annotators' answers as soft targets. Raises DataError on what are no answers."""
    soft: np.ndarray = soft_answer_targets(texts_of(task, truth, row_id), names).numpy()
    return soft


def texts_of(task: Task, truth: Any, row_id: str) -> tuple[str, ...]:
    """A truth that is texts, without empty ones. Raises DataError where there is none."""
    found = (truth,) if isinstance(truth, str) else truth
    if not isinstance(found, tuple | list) or not all(isinstance(text, str) for text in found):
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want texts")
    kept = tuple(text for text in found if normalise(text))
    if not kept:
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want at least one text that is not empty")
    return kept


def said_of(task: Task, truth: Any, row_id: str, rng: np.random.Generator | None) -> str:
    """The text to learn: one of several by lot in training, else the first, or the commonest answer."""
    found = texts_of(task, truth, row_id)
    if rng is not None:
        return found[int(rng.integers(len(found)))]
    return Counter(found).most_common(1)[0][0] if isinstance(task.target, Answer) else found[0]


def right_of(task: Task, truth: Any, row_id: str, count: int) -> np.ndarray:
    """Which candidates are right, as truth values. Raises DataError on what is no set of their places."""
    places = list(truth) if isinstance(truth, Collection) and not isinstance(truth, str) else [truth]
    if not all(isinstance(i, int | np.integer) and not isinstance(i, bool) and 0 <= i < count for i in places):
        raise DataError(
            f"{row_id}: task {task.name!r}: got {truth!r}; want the set of right candidates, from 0 to {count - 1}"
        )
    right = np.zeros(count, dtype=bool)
    right[[int(i) for i in places]] = True
    return right


def pairs_of(task: Task, example: Example) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The texts of a matching row, and its candidates as pairs of a text's place and a picture's.

    A candidate is a text (of the first picture, and `among` is "texts"), a picture's id (with the row's text, and
    `among` is "images"), or a pair (picture's place, text).

    Raises:
        DataError: no candidates, or others.
    """
    assert isinstance(task.target, Match)  # its caller asked
    texts: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    video = "video" in task.sees
    for candidate in example.candidates:
        match candidate:
            case (int() as picture, str() as text) if 0 <= picture < (1 if video else len(example.images)):
                words = task.prompt.format(text=text)
            case str() if task.target.among == "texts":
                picture, words = 0, task.prompt.format(text=candidate)
            case _ if task.target.among == "images" and not video and candidate in example.image_ids:
                picture, words = example.image_ids.index(candidate), task.asked(example)
            case _:
                raise DataError(
                    f"{example.id}: task {task.name!r}: candidate: got {candidate!r}; want "
                    + ("a text" if task.target.among == "texts" else f"an id of {example.image_ids}")
                    + ", or a pair of a picture's place and a text"
                )
        pairs.append((texts.setdefault(words, len(texts)), picture))
    if not pairs:
        raise DataError(f"{example.id}: task {task.name!r}: candidates: got none; want at least one")
    return tuple(texts), tuple(pairs)
