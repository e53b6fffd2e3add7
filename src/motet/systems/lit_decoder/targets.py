"""The text that is the target of a row: a name, one of the answers, one of the texts (sections 3, 5.3 and 5.4)."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, assert_never

import numpy as np

from motet.core import Answer, Label, Panoptic, Task, Text, UnsupportedTask
from motet.preprocess.annotations import class_index, parse_texts
from motet.systems.lit_decoder.options import ConcatTexts, RandomText, SplitCap, TextTarget

AnswerTarget = Literal["drawn", "most common"]


def check_supported(task: Task) -> None:
    """Raises UnsupportedTask for a task whose answer is not text, or with inputs that this system does not take."""
    match task.target:
        case Label() | Answer() | Text() | Panoptic():
            pass
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: the LiT decoder generates text for Label, Answer and Text, and codes "
                f"for Panoptic: got {type(other).__name__}; want one of those, or another system"
            )
    if not task.inputs <= {"image", "text"}:
        raise UnsupportedTask(
            f"task {task.name!r}: the LiT decoder takes one image and a text: got {sorted(task.inputs)}; want no "
            "other inputs"
        )


def target_text(
    task: Task,
    annotation: Any,
    row_id: str,
    rng: np.random.Generator | None,
    *,
    answers: AnswerTarget = "drawn",
    texts: TextTarget = RandomText(),  # noqa: B008  frozen, without fields
) -> str:
    """Returns the target as text; where several are valid, one is drawn, or always the same one if `rng` is None.

    Raises:
        DataError: an annotation that does not fit the task.
    """
    match task.target:
        case Label(names):
            return names[class_index(task, annotation, row_id, len(names))]
        case Answer():
            found = parse_texts(task, annotation, row_id)
            if rng is None or answers == "most common":
                return Counter(found).most_common(1)[0][0]
            return found[int(rng.integers(len(found)))]
        case Text():
            found = parse_texts(task, annotation, row_id)
            match texts:
                case ConcatTexts(between):
                    return between.join(found)
                case RandomText() | SplitCap():
                    return found[int(rng.integers(len(found))) if rng is not None else 0]
                case other_texts:
                    assert_never(other_texts)
        case other:
            raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want Label, Answer or Text")
