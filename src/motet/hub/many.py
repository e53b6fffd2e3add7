"""Prediction of many rows for several tasks in one pass: a row is encoded once, and a bad row costs no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset

from motet.core import Batch, DataError, Example, MotetError, Prediction, Processor, Task


class ExampleRows(Protocol):
    """Rows by index: a reader of a data set, a list of Examples, or files that become Examples when they are read."""

    def __len__(self) -> int:
        """Returns the number of rows."""
        ...

    def __getitem__(self, index: int, /) -> Example:
        """Returns a row. Raises MotetError for one that cannot be read."""
        ...


class BatchPredictor(Protocol):
    """Predicts an encoded batch: by task the predictions, in the order of the task's `Target.rows`."""

    def __call__(self, batch: Batch, /) -> Mapping[str, Sequence[Prediction]]: ...


@dataclass(frozen=True, kw_only=True)
class RowPredictions:
    """The predictions of one row, or the line that says why there are none.

    Args:
        row: its index.
        id: the Example's; "" where the row could not be read.
        images: the names of its images.
        text: its text.
        predictions: by task; empty for a bad row.
        error: one line; "" for a good row.
    """

    row: int
    id: str = ""
    images: tuple[str, ...] = ()
    text: str | tuple[str, ...] = ""
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    error: str = ""


def predict_rows(
    predict: BatchPredictor,
    processor: Processor,
    tasks: Sequence[Task],
    rows: ExampleRows,
    *,
    batch_size: int,
    workers: int = 0,
    first: int = 0,
) -> Iterator[RowPredictions]:
    """Yields the predictions of all rows in their order, a batch at a time.

    Args:
        predict: the system.
        processor: of the system.
        tasks: that every row is predicted for.
        rows: may be longer than memory holds; each is read when its turn comes.
        batch_size: rows per forward pass.
        workers: processes that read and encode rows while the system predicts; 0 for none.
        first: the row to begin with.
    """
    encoded = _EncodedRows(processor, tuple(tasks), rows)
    loader = DataLoader(
        encoded,
        batch_size=batch_size,
        sampler=range(first, len(rows)),
        num_workers=workers,
        # As in training; by Python 3.14's own way each worker would import and unpickle everything anew.
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        collate_fn=encoded.collate,
        # Without a generator the loader would draw its workers' seed from the global one and so change later draws.
        generator=torch.Generator(),
    )
    for items, batch in loader:
        yield from _predicted(predict, encoded, items, batch)


@dataclass(frozen=True)
class _Item:
    """An encoded row beside what is reported of it; `encoded` is None in a bad row."""

    about: RowPredictions
    encoded: Any = None


@dataclass(frozen=True)
class _EncodedRows(Dataset[Any]):
    processor: Processor
    tasks: tuple[Task, ...]
    rows: ExampleRows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> _Item:
        # An error is returned as a value: the loader would wrap a raised one in a page of traceback.
        about = RowPredictions(row=index)
        try:
            example = self.rows[index]
            names = tuple(image.name for image in example.images)
            about = RowPredictions(row=index, id=example.id, images=names, text=example.text)
            check_inputs(example, self.tasks)
            return _Item(about, self.processor.row(example, self.tasks, None))
        except MotetError as error:
            return _Item(_failed(about, error))

    def collate(self, items: Sequence[_Item]) -> tuple[list[_Item], Batch | MotetError | None]:
        """Returns the rows and the batch of the good ones; an error where they do not fit together."""
        good = [item.encoded for item in items if not item.about.error]
        try:
            # The encoded rows stay behind: they hold the pixels a second time.
            about = [_Item(item.about) for item in items]
            return about, self.processor.collate(good, keep_annotations=False) if good else None
        except MotetError as error:
            return list(items), error


def check_inputs(example: Example, tasks: Sequence[Task]) -> None:
    """Checks that a row has the inputs of the tasks.

    Raises:
        DataError: an input is missing; it names the task.
    """
    for task in tasks:
        if task.inputs & {"image", "regions", "video"} and not example.images:
            raise DataError(f"task {task.name!r} needs an image: got none; want one in this row")
        if "text" in task.inputs and not "".join(example.text).strip():
            raise DataError(f"task {task.name!r} needs a text: got none; want one in this row")


def _predicted(
    predict: BatchPredictor, encoded: _EncodedRows, items: Sequence[_Item], batch: Batch | MotetError | None
) -> Iterator[RowPredictions]:
    good = [item for item in items if not item.about.error]
    error = batch if isinstance(batch, MotetError) else None
    found: list[dict[str, Prediction]] = [{} for _ in good]
    if isinstance(batch, Batch):
        try:
            for task, predictions in predict(batch).items():
                for place, prediction in zip(batch.targets[task].rows.tolist(), predictions, strict=True):
                    found[place][task] = prediction
        except MotetError as raised:
            error = raised
    if error is not None and len(good) == 1:
        found, items = [], [item if item.about.error else _Item(_failed(item.about, error)) for item in items]
    elif error is not None:
        # One row of the batch is to blame: each is tried alone.
        alone = {}
        for item in good:
            again = encoded.collate([encoded[item.about.row]])
            (alone[item.about.row],) = _predicted(predict, encoded, *again)
        yield from (alone.get(item.about.row, item.about) for item in items)
        return
    left = iter(found)
    for item in items:
        yield item.about if item.about.error else _with(item.about, next(left))


def _with(about: RowPredictions, predictions: Mapping[str, Prediction]) -> RowPredictions:
    return RowPredictions(
        row=about.row, id=about.id, images=about.images, text=about.text, predictions=dict(predictions)
    )


def _failed(about: RowPredictions, error: MotetError) -> RowPredictions:
    return RowPredictions(row=about.row, id=about.id, images=about.images, text=about.text, error=str(error))
