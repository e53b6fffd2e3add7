"""What 12-in-1 answers, and what it learns of a row (section 3.2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, assert_never

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
from motet.prep.regions import as_boxes

_ANSWERS = "Label, Answer with names, Region, Match and Masked"


def check(task: Task) -> None:
    """Raises UnsupportedTask for a task that this system cannot answer, or that sees what it does not."""
    match task.target:
        case Label() | Region() | Masked() | Match(pool="row") | Match("texts" | "images"):
            pass
        case Match():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 points at one of a picture's own regions: got {task.target}; want "
                "pool='row'"
            )
        case Answer(names) if names:
            pass
        case Answer():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 chooses from a list of answers: got an Answer without names; want its "
                "names"
            )
        case Text() | Dense() | Boxes() | Score():
            raise UnsupportedTask(
                f"task {task.name!r}: 12-in-1 answers {_ANSWERS}: got {type(task.target).__name__}; want one of "
                "those, or another system"
            )
        case other:
            assert_never(other)
    if not task.sees <= {"image", "text", "regions"} or not task.sees & {"image", "regions"}:
        raise UnsupportedTask(
            f"task {task.name!r}: 12-in-1 sees the regions of images, and words: got {sorted(task.sees)}; want 'image' "
            "or 'regions' among them, and no others than 'text'"
        )


def index_of(task: Task, truth: Any, row_id: str, count: int) -> int:
    """A class as a number. Raises DataError on one that is none."""
    if isinstance(truth, bool) or not isinstance(truth, int | np.integer) or not 0 <= truth < count:
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want a class from 0 to {count - 1}")
    return int(truth)


def soft_answers_of(task: Task, truth: Any, row_id: str, names: Sequence[str]) -> np.ndarray:
    """Annotators' answers as soft targets. Raises DataError on what are no answers."""
    answers = (truth,) if isinstance(truth, str) else truth
    if not isinstance(answers, tuple | list) or not answers or not all(isinstance(text, str) for text in answers):
        raise DataError(f"{row_id}: task {task.name!r}: got {truth!r}; want the annotators' answers, at least one")
    soft: np.ndarray = soft_answer_targets(answers, names).numpy()
    return soft


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


def one_box(task: Task, truth: Any, row_id: str) -> np.ndarray | None:
    """A box in pixels of the file, or None where nothing is meant. Raises DataError on what is no box."""
    if truth is None:
        return None
    box = np.asarray(truth, dtype=np.float32)
    if box.shape != (4,) or not np.isfinite(box).all():
        raise DataError(f"{row_id}: task {task.name!r}: box: got {truth!r}; want four numbers, or None")
    return box


def candidate_boxes(task: Task, example: Example) -> np.ndarray:
    """The candidates that are pointed at. Raises DataError where they are no boxes."""
    try:
        boxes = as_boxes(example.candidates)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{example.id}: task {task.name!r}: candidates: got {example.candidates!r}; want boxes of four numbers"
        ) from error
    if not len(boxes) or not np.isfinite(boxes).all():
        raise DataError(f"{example.id}: task {task.name!r}: candidates: got {len(boxes)} boxes; want at least one")
    return boxes


def pairs_of(task: Task, example: Example) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """The texts of a matching row, and its candidates as pairs of a text's place and a picture's.

    A candidate is a text (of the first picture, and `among` is "texts"), a picture's id (with the row's text, and
    `among` is "images"), or a pair (picture's place, text), as composed rows have them whose candidates differ in
    both.

    Raises:
        DataError: no candidates, or others.
    """
    assert isinstance(task.target, Match)
    texts: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for candidate in example.candidates:
        match candidate:
            case (int() as picture, str() as text) if 0 <= picture < len(example.images):
                words = task.prompt.format(text=text)
            case str() if task.target.among == "texts":
                picture, words = 0, task.prompt.format(text=candidate)
            case _ if task.target.among == "images" and candidate in example.image_ids:
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
