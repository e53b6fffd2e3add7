"""Loads the batches of a run: turns the row requests of a mixture into batches, in this process or in workers."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from motet.core import Batch, DataError, Example, MotetError, Processor, Sharded, rng_for
from motet.data.mixture import Mixture, PlannedStep, RowRequest
from motet.data.source import Source

_MAX_TRIES = 10


@dataclass(frozen=True)
class LoadedBatch:
    """The result of a worker: a batch or the error that stops the run, and one line per skipped row."""

    batch: Batch | None
    error: MotetError | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedStep:
    """A step with its batches.

    Args:
        index: of the step.
        planned: its rows.
        batches: per batch of the step the parts of this rank, in order; () where the rank has no row of it.
        skipped: one line per bad row that was replaced by another.
    """

    index: int
    planned: PlannedStep
    batches: tuple[tuple[Batch, ...], ...]
    skipped: tuple[str, ...]


class _RowBatches(Dataset[Any]):
    """Makes one batch of a list of row requests, in a worker. (seed, source, index, position) determines a row."""

    def __init__(
        self, sources: Mapping[str, Source], processor: Processor, seed: int, on_bad_row: Literal["stop", "skip"]
    ) -> None:
        self.sources, self.processor, self.seed, self.on_bad_row = dict(sources), processor, seed, on_bad_row

    def __getitems__(self, rows: Sequence[RowRequest]) -> LoadedBatch:
        encoded: list[Any] = []
        skipped: list[str] = []
        if not rows:
            return LoadedBatch(None)
        try:
            for row in rows:
                encoded.append(self._row(row, skipped))
            return LoadedBatch(self.processor.collate(encoded, keep_annotations=False), None, tuple(skipped))
        except MotetError as error:  # returned, not raised: torch would put the worker's traceback into the message
            return LoadedBatch(None, error, tuple(skipped))

    def _row(self, row: RowRequest, skipped: list[str]) -> Any:
        index = row.index
        for attempt in range(_MAX_TRIES):
            try:
                return self._encoded(row, index)
            except DataError as error:
                if self.on_bad_row == "stop":
                    raise with_row(error, index, row.source) from error
                skipped.append(f"{row.source}: {error}")
                index = self._instead(row, index, attempt)
        raise DataError(
            f"source {row.source!r}: got {_MAX_TRIES} bad rows in succession; want rows that can be read (motet data "
            "check lists those that cannot)"
        )

    def _instead(self, row: RowRequest, index: int, attempt: int) -> int:
        """Returns the row to read in the place of a bad one; of a reader in shards the next: it is there already."""
        reader = self.sources[row.source].reader
        if isinstance(reader, Sharded):
            return (index + 1) % len(reader)
        return int(rng_for("instead", self.seed, row.source, row.position, attempt).integers(len(reader)))

    def _encoded(self, row: RowRequest, index: int) -> Any:
        source = self.sources[row.source]
        example: Example
        if source.compose is None:
            example = source.reader[index]
        else:
            example = source.compose(source.reader, index, rng_for("compose", self.seed, row.source, row.position))
        return self.processor.row(example, source.tasks, rng_for("augment", self.seed, row.source, row.position))


class _StepRequests(Sampler[list[RowRequest]]):
    """The rows of a segment's steps, part after part; plans ahead without changing the state of the mixture."""

    def __init__(self, mixture: Mixture, rank: int, world: int, parts: int) -> None:
        self.mixture, self.rank, self.world, self.parts = mixture, rank, world, parts
        self.start = self.stop = 0
        self.planned: deque[tuple[int, PlannedStep]] = deque()

    def __iter__(self) -> Iterator[list[RowRequest]]:
        consumed: Mapping[str, int] = self.mixture.consumed
        for index in range(self.start, self.stop):
            planned = self.mixture.plan(index, rank=self.rank, world=self.world, consumed=consumed)
            consumed = planned.consumed
            self.planned.append((index, planned))
            parts = [list(part) for rows in planned.batches for part in split_rows(rows, self.parts)]
            yield from parts or [[]]  # at least one request per step keeps the results in step with the plans


class Loader:
    """Loads the batches of one rank for the steps of a mixture.

    It reads ahead only inside a segment of steps: a schedule that depends on an evaluation at the end of the segment
    can still change every later step.

    Args:
        mixture: sources and schedule.
        processor: encodes rows and collates batches.
        rank: of this process.
        world: number of ranks.
        workers: processes that read and decode; 0 for this one. The batches do not depend on it.
        parts: number of parts of every batch, for gradient accumulation.
        on_bad_row: "stop" raises the DataError of the row, "skip" draws another row of the source.
    """

    def __init__(
        self,
        mixture: Mixture,
        processor: Processor,
        *,
        rank: int = 0,
        world: int = 1,
        workers: int = 0,
        parts: int = 1,
        on_bad_row: Literal["stop", "skip"] = "stop",
    ) -> None:
        self._requests = _StepRequests(mixture, rank, world, parts)
        self._loader: DataLoader[Any] = DataLoader(
            _RowBatches(mixture.sources, processor, mixture.seed, on_bad_row),
            batch_sampler=self._requests,
            num_workers=workers,
            persistent_workers=workers > 0,
            # Forked workers share the memory of the readers; spawned ones would each import and unpickle all of it.
            multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
            collate_fn=_identity,
            worker_init_fn=_ignore_interrupts,
            generator=torch.Generator(),  # else it draws a seed from the global one
        )

    def segment(self, start: int, stop: int) -> Iterator[LoadedStep]:
        """Yields the steps from `start` up to `stop`. The caller sets `mixture.consumed` after each step.

        Raises:
            DataError: a bad row, when bad rows stop the run.
        """
        requests = self._requests
        requests.start, requests.stop = start, stop
        requests.planned.clear()
        loaded = iter(self._loader)
        for index in range(start, stop):
            yield self._load_step(index, loaded)

    def _load_step(self, index: int, loaded: Iterator[LoadedBatch]) -> LoadedStep:
        first: LoadedBatch | None = next(loaded)
        planned_index, planned = self._requests.planned.popleft()
        assert planned_index == index
        batches: list[tuple[Batch, ...]] = []
        skipped: list[str] = []
        for rows in planned.batches:
            parts = []
            for _ in split_rows(rows, self._requests.parts):
                part, first = first or next(loaded), None
                if part.error is not None:
                    raise part.error
                assert part.batch is not None
                parts.append(part.batch)
                skipped += part.skipped
            batches.append(tuple(parts))
        return LoadedStep(index, planned, tuple(batches), tuple(skipped))


def with_row(error: DataError, row: int, source: str = "") -> DataError:
    """Returns an error that names a row: the error itself where it does, as that of an image file does not."""
    if error.row is not None:
        return error
    where = f"source {source!r}, row {row}" if source else f"row {row}"
    return DataError(f"{where}: {error.message}", path=error.path)


def split_rows(rows: Sequence[RowRequest], parts: int) -> list[Sequence[RowRequest]]:
    """Splits the rows of a batch into parts of nearly equal size; empty parts are left out.

    Examples:
        >>> split_rows([1, 2, 3], 2)
        [[1], [2, 3]]
        >>> split_rows([1], 2)
        [[1]]
    """
    ends = [len(rows) * part // parts for part in range(parts + 1)]
    return [rows[start:end] for start, end in pairwise(ends) if end > start]


def _identity(loaded: Any) -> Any:
    return loaded


def _ignore_interrupts(worker: int) -> None:
    """Makes a worker ignore Ctrl-C, which reaches the whole process group: the parent needs it until it has saved."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
