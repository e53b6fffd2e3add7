"""What the model learns to say of one row: a name, one of the answers, one of the texts (sections 3, 5.3 and 5.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, assert_never

import numpy as np

from motet.core import (
    Answer,
    Boxes,
    DataError,
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
from motet.prep.words import normalise
from motet.systems.lit_decoder.options import Concat, OneText, SplitCap, TextTarget

AnswerTarget = Literal["drawn", "most common"]


def check(task: Task) -> None:
    """Raises UnsupportedTask for a task whose answer is not words, or that sees what this system does not."""
    match task.target:
        case Label() | Answer() | Text():
            pass
        case Boxes() | Region() | Dense() | Match() | Masked() | Score():
            raise UnsupportedTask(
                f"task {task.name!r}: the LiT decoder answers Label, Answer and Text, in words: "
                f"got {type(task.target).__name__}; want one of those, or another system"
            )
        case other:
            assert_never(other)
    if not task.sees <= {"image", "text"}:
        raise UnsupportedTask(
            f"task {task.name!r}: the LiT decoder sees one image and a text: got {sorted(task.sees)}; want no more"
        )


def said(
    task: Task,
    truth: Any,
    row_id: str,
    rng: np.random.Generator | None,
    *,
    answers: AnswerTarget = "drawn",
    texts: TextTarget = OneText(),  # noqa: B008  frozen, without fields
) -> str:
    """The text to learn; drawn in training where several are right, the same one each time where `rng` is None.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label(names):
            if not isinstance(truth, int | np.integer) or not 0 <= truth < len(names):
                raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want a class from 0 to {len(names) - 1}")
            return names[int(truth)]
        case Answer():
            found = _texts(task, truth, row_id)
            if rng is None or answers == "most common":
                return Counter(found).most_common(1)[0][0]
            return found[int(rng.integers(len(found)))]
        case Text():
            found = _texts(task, truth, row_id)
            match texts:
                case Concat(between):
                    return between.join(found)
                case OneText() | SplitCap():
                    return found[int(rng.integers(len(found))) if rng is not None else 0]
                case other_texts:
                    assert_never(other_texts)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want Label, Answer or Text")


def _texts(task: Task, truth: Any, row_id: str) -> Sequence[str]:
    found = (truth,) if isinstance(truth, str) else truth
    if not isinstance(found, tuple | list) or not all(isinstance(text, str) for text in found):
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want texts")
    kept = [text for text in found if normalise(text)]
    if not kept:
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want at least one text that is not empty")
    return kept
