"""An Example as a module of one's own sees it: pixels, tokens, and the targets of every task over the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from motet.core import Answer, ConfigError, DataError, Example, Label, Score, Task, Text, UnsupportedTask
from motet.preprocess.annotations import parse_texts
from motet.systems.base import (
    BaseProcessor,
    Entry,
    ImageInputs,
    Row,
    allowed_changes,
    annotation_of_row,
    encode_class,
    one_image,
)

NO_CLASS = -100
"""The label of a row that is not of a task; `torch.nn.functional.cross_entropy` leaves it out."""


@dataclass(frozen=True, kw_only=True)
class OwnRow(Row[Entry]):
    """An encoded Example with its tokens.

    Args:
        tokens: of its text; None where no task reads one.
    """

    tokens: tuple[int, ...] | None = None


@dataclass(frozen=True)
class OwnProcessor(BaseProcessor[OwnRow, Entry]):
    """Encodes rows for a module of one's own.

    Args:
        images: the image half; None where no task has an image.
        tokenize: from a text to token ids; None where no task has one.
        max_tokens: of a text.
    """

    images: ImageInputs | None
    tokenize: Callable[[str], Sequence[int]] | None
    max_tokens: int

    def encode(self, example: Example, tasks: Sequence[Task], rng: np.random.Generator | None) -> OwnRow:
        image = None
        if self.images is not None and any("image" in task.inputs for task in tasks):
            image = self.images.array(one_image(example), allowed_changes(tasks), rng)
        entries = tuple(self._entry(example, task, rng) for task in tasks)
        return OwnRow(id=example.id, image=image, entries=entries, tokens=self._tokens(example, tasks))

    def inputs(self, rows: Sequence[OwnRow]) -> dict[str, Tensor]:
        found = super().inputs(rows)
        if self.tokenize is not None:
            longest = max((len(row.tokens or ()) for row in rows), default=0)
            tokens = torch.zeros(len(rows), max(1, longest), dtype=torch.long)
            for place, row in enumerate(rows):
                tokens[place, : len(row.tokens or ())] = torch.tensor(row.tokens or (), dtype=torch.long)
            found["tokens"] = tokens
        return found

    def value(self, entries: Sequence[Entry], indices: Sequence[int], rows: Sequence[OwnRow]) -> Any:
        del indices, rows
        values = [entry.value for entry in entries]
        if all(isinstance(value, np.ndarray) for value in values):
            return torch.from_numpy(np.stack(values))
        return tuple(values)

    def _entry(self, example: Example, task: Task, rng: np.random.Generator | None) -> Entry:
        known, annotation = annotation_of_row(example, task, evaluation=rng is None)
        return Entry(
            task=task.name,
            value=target_of(task, annotation if known else None, example.id, rng),
            annotated=known,
            annotation=annotation,
        )

    def _tokens(self, example: Example, tasks: Sequence[Task]) -> tuple[int, ...] | None:
        prompts = [prompt for task in tasks if (prompt := task.prompt_for(example))]
        if self.tokenize is None or not prompts:
            return None
        ids = tuple(int(one) for one in self.tokenize(prompts[0]))
        if not all(one > 0 for one in ids):
            raise ConfigError(f"tokenize: {prompts[0][:40]!r}: got {min(ids)} among the ids; want numbers above 0")
        return ids[: self.max_tokens]


def target_of(task: Task, annotation: Any, row_id: str, rng: np.random.Generator | None) -> Any:
    """Returns the encoded target of one row: an array, or a text; of a missing annotation what stands for none.

    Raises:
        DataError: an annotation that does not fit the task.
        UnsupportedTask: a kind of target that such a module cannot have.
    """
    match task.target:
        case Label() if annotation is None:
            return np.array(NO_CLASS)
        case Label():
            return encode_class(task, annotation, row_id)["label"]
        case Answer(names) if names and annotation is None:
            return np.full(len(names), np.nan, np.float32)
        case Answer(names) if names:
            return encode_class(task, annotation, row_id)["answers"]
        case Score():
            if annotation is not None and not isinstance(annotation, int | float | np.number):
                raise DataError(f"{row_id}: task {task.name!r}: got {annotation!r}; want a number")
            return np.array(np.nan if annotation is None else annotation, np.float32)
        case Text():
            texts = ("",) if annotation is None else parse_texts(task, annotation, row_id)
            return texts[0 if rng is None else int(rng.integers(len(texts)))]
        case other:
            raise UnsupportedTask(
                f"task {task.name!r}: got {type(other).__name__}; want a Label, Answer, Score or Text"
            )


def over_batch(value: Any, rows: Tensor, count: int) -> Any:
    """Returns the targets of a task over all rows of a batch; see `motet.wrap_model`.

    Args:
        value: over the rows that have a target.
        rows: their indices in the batch.
        count: of all rows.

    Examples:
        >>> over_batch(torch.tensor([2, 0]), torch.tensor([0, 2]), 3).tolist()
        [2, -100, 0]
    """
    if isinstance(value, Tensor):
        missing = float("nan") if value.is_floating_point() else NO_CLASS
        whole = torch.full((count, *value.shape[1:]), missing, dtype=value.dtype, device=value.device)
        whole[rows] = value
        return whole
    texts: list[str | None] = [None] * count
    for place, text in zip(rows.tolist(), value, strict=True):
        texts[place] = text
    return texts
