"""Rows of a source as batches for prediction, split over ranks so that every rank has equally many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from motet.core import Batch, Example, MotetError, Processor, Reader, Task
from motet.core.ranks import rank, world


@dataclass(frozen=True)
class EvaluationRow:
    """What is kept of an Example beside its batch.

    Args:
        id: the Example's id.
        images: its image ids.
        text: its text, such as the question.
    """

    id: str
    images: tuple[str, ...]
    text: str | tuple[str, ...]

    @classmethod
    def of(cls, example: Example) -> EvaluationRow:
        """What is kept of this Example."""
        return cls(example.id, example.image_ids, example.text)


def own_rows(rows: Sequence[int]) -> list[int]:
    """This rank's part of some rows: every rank gets equally many, the last row filling up."""
    if not rows:
        return []
    each = -(-len(rows) // world())
    return [rows[min(place, len(rows) - 1)] for place in range(rank(), each * world(), world())]


def batches(
    reader: Reader,
    processor: Processor,
    tasks: Sequence[Task],
    rows: Sequence[int],
    *,
    size: int,
    workers: int,
    keep_annotations: bool = True,
) -> Iterator[tuple[Batch, tuple[EvaluationRow, ...]]]:
    """The rows in order, as the processor sees them when nothing is drawn, with their truths unless told otherwise.

    Raises:
        MotetError: a row cannot be read; the error of the row itself, also when a worker read it.
    """
    loader = DataLoader(
        _Rows(reader, processor, tuple(tasks), tuple(rows)),
        batch_size=size,
        num_workers=workers,
        collate_fn=_Collate(processor, keep_annotations),
        # A generator of its own: the loader draws its workers' seed from the global one otherwise.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, MotetError):
            raise batch
        yield batch


@dataclass(frozen=True)
class _Rows(Dataset[Any]):
    reader: Reader
    processor: Processor
    tasks: tuple[Task, ...]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> tuple[Any, EvaluationRow] | MotetError:
        # An error is handed over as a value: the loader would wrap it into a page of traceback.
        try:
            example = self.reader[self.rows[place]]
            return self.processor.row(example, self.tasks, None), EvaluationRow.of(example)
        except MotetError as error:
            return error


@dataclass(frozen=True)
class _Collate:
    processor: Processor
    keep_annotations: bool

    def __call__(
        self, items: Sequence[tuple[Any, EvaluationRow] | MotetError]
    ) -> tuple[Batch, tuple[EvaluationRow, ...]] | MotetError:
        rows: list[tuple[Any, EvaluationRow]] = []
        for item in items:
            if isinstance(item, MotetError):
                return item
            rows.append(item)
        batch = self.processor.collate([encoded for encoded, _ in rows], keep_annotations=self.keep_annotations)
        return batch, tuple(row for _, row in rows)
