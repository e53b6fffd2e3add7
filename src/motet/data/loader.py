"""Rows to batches, in this process or in workers: the requests of a mixture in, the batches of a system out."""

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

from motet.core import Batch, DataError, Example, MotetError, Processor, rng_for
from motet.data.mixture import Mixture, Planned, RowRequest
from motet.data.source import Source

_TRIES = 10


@dataclass(frozen=True)
class LoadedBatch:
    """What a worker hands back: a batch, or the error that stops the run, and a line for each row that was skipped."""

    batch: Batch | None
    error: MotetError | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ready:
    """A step whose batches are loaded.

    Args:
        index: the step.
        planned: its rows.
        batches: for every batch of the step this rank's parts of it, in order; () where nothing of one fell to it.
        skipped: a line for each bad row that another was drawn for.
    """

    index: int
    planned: Planned
    batches: tuple[tuple[Batch, ...], ...]
    skipped: tuple[str, ...]


class _Rows(Dataset[Any]):
    """What runs in a worker: a list of rows to one batch. (seed, source, index, taken) makes a row again."""

    def __init__(
        self, sources: Mapping[str, Source], processor: Processor, seed: int, on_bad_row: Literal["stop", "skip"]
    ) -> None:
        self.sources, self.processor, self.seed, self.on_bad_row = dict(sources), processor, seed, on_bad_row

    def __getitems__(self, rows: Sequence[RowRequest]) -> LoadedBatch:
        made: list[Any] = []
        skipped: list[str] = []
        if not rows:
            return LoadedBatch(None)
        try:
            for row in rows:
                made.append(self._row(row, skipped))
            return LoadedBatch(self.processor.collate(made, keep_annotations=False), None, tuple(skipped))
        except MotetError as error:  # torch would raise a worker's error again with its traceback as the message
            return LoadedBatch(None, error, tuple(skipped))

    def _row(self, row: RowRequest, skipped: list[str]) -> Any:
        index = row.index
        for attempt in range(_TRIES):
            try:
                return self._encoded(row, index)
            except DataError as error:
                if self.on_bad_row == "stop":
                    raise
                skipped.append(f"{row.source}: {error}")
                rng = rng_for("instead", self.seed, row.source, row.taken, attempt)
                index = int(rng.integers(len(self.sources[row.source].reader)))
        raise DataError(f"source {row.source!r}: got {_TRIES} bad rows one after the other; want readable data")

    def _encoded(self, row: RowRequest, index: int) -> Any:
        source = self.sources[row.source]
        example: Example
        if source.compose is None:
            example = source.reader[index]
        else:
            example = source.compose(source.reader, index, rng_for("compose", self.seed, row.source, row.taken))
        return self.processor.row(example, source.tasks, rng_for("augment", self.seed, row.source, row.taken))


class _Requests(Sampler[list[RowRequest]]):
    """The rows of a segment's steps, part after part; plans ahead without touching what the mixture has taken."""

    def __init__(self, mixture: Mixture, rank: int, world: int, parts: int) -> None:
        self.mixture, self.rank, self.world, self.parts = mixture, rank, world, parts
        self.start = self.stop = 0
        self.planned: deque[tuple[int, Planned]] = deque()

    def __iter__(self) -> Iterator[list[RowRequest]]:
        taken: Mapping[str, int] = self.mixture.taken
        for index in range(self.start, self.stop):
            planned = self.mixture.plan(index, rank=self.rank, world=self.world, taken=taken)
            taken = planned.taken
            self.planned.append((index, planned))
            parts = [list(part) for rows in planned.batches for part in cut(rows, self.parts)]
            yield from parts or [[]]  # every step asks for something, so that it is met in its place


class Loader:
    """The batches of a mixture's steps for one rank.

    Reads ahead only inside a segment of steps, so that a schedule which learns from an evaluation at the segment's end
    decides about rows that nobody has read yet.

    Args:
        mixture: which rows.
        processor: how the system sees them.
        rank: whose rows.
        world: how many ranks there are.
        workers: processes that read and decode; 0 for this one. The batches are the same.
        parts: every batch is cut in so many parts.
        on_bad_row: "stop" raises the row's DataError, "skip" draws another row of the source.
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
        self._requests = _Requests(mixture, rank, world, parts)
        self._loader: DataLoader[Any] = DataLoader(
            _Rows(mixture.sources, processor, mixture.seed, on_bad_row),
            batch_sampler=self._requests,
            num_workers=workers,
            persistent_workers=workers > 0,
            # Forked workers share what readers hold in memory; started afresh each would import and unpickle all of it.
            multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
            collate_fn=_as_it_is,
            worker_init_fn=_leave_signals_to_the_parent,
            generator=torch.Generator(),  # else it draws a seed from the global one
        )

    def segment(self, start: int, stop: int) -> Iterator[Ready]:
        """The steps from `start` up to `stop`. The caller sets `mixture.taken` after each step it has done.

        Raises:
            DataError: a bad row, when bad rows stop the run.
        """
        requests = self._requests
        requests.start, requests.stop = start, stop
        requests.planned.clear()
        loaded = iter(self._loader)
        for index in range(start, stop):
            yield self._ready(index, loaded)

    def _ready(self, index: int, loaded: Iterator[LoadedBatch]) -> Ready:
        first: LoadedBatch | None = next(loaded)
        planned_index, planned = self._requests.planned.popleft()
        assert planned_index == index
        batches: list[tuple[Batch, ...]] = []
        skipped: list[str] = []
        for rows in planned.batches:
            parts = []
            for _ in cut(rows, self._requests.parts):
                part, first = first or next(loaded), None
                if part.error is not None:
                    raise part.error
                assert part.batch is not None
                parts.append(part.batch)
                skipped += part.skipped
            batches.append(tuple(parts))
        return Ready(index, planned, tuple(batches), tuple(skipped))


def cut(rows: Sequence[RowRequest], parts: int) -> list[Sequence[RowRequest]]:
    """A batch's rows in so many parts of nearly equal size; empty parts are left out.

    Examples:
        >>> cut([1, 2, 3], 2)
        [[1], [2, 3]]
        >>> cut([1], 2)
        [[1]]
    """
    ends = [len(rows) * part // parts for part in range(parts + 1)]
    return [rows[start:end] for start, end in pairwise(ends) if end > start]


def _as_it_is(loaded: Any) -> Any:
    return loaded


def _leave_signals_to_the_parent(worker: int) -> None:
    """Ctrl-C reaches the whole group of processes; the parent wants to save, and needs its workers until then."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
