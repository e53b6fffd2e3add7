"""Batches of rows for prediction, split evenly over ranks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from motet.core import Batch, DataError, Example, MotetError, Processor, Reader, Task
from motet.core.ranks import rank, world
from motet.data.loader import with_row


@dataclass(frozen=True)
class EvaluationRow:
    """The parts of an Example that are kept beside its batch, for predictions and intervals.

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
        """Returns the kept parts of an Example."""
        return cls(example.id, example.image_ids, example.text)


def own_rows(rows: Sequence[int]) -> list[int]:
    """Returns this rank's share of rows; every rank gets equally many, and the last row is repeated to fill up."""
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
    """Yields batches of the rows in order, without augmentation, and the kept parts of their Examples.

    Raises:
        MotetError: a row cannot be read; the error of the row itself, also if a worker read it.
    """
    loader = DataLoader(
        _Rows(reader, processor, tuple(tasks), tuple(rows)),
        batch_size=size,
        num_workers=workers,
        # As in training; by Python 3.14's own way each worker would import and unpickle everything anew.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        collate_fn=_Collate(processor, keep_annotations),
        # Without a generator the loader would draw its workers' seed from the global one and so change later draws.
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
        # An error is returned as a value, since the loader would wrap a raised one in a page of traceback.
        try:
            example = self.reader[self.rows[place]]
            return self.processor.row(example, self.tasks, None), EvaluationRow.of(example)
        except DataError as error:
            return with_row(error, self.rows[place])
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
