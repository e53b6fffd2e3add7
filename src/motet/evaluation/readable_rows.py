"""Leaves the rows of a source that cannot be read out of its evaluation."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, Dataset

from motet.core import DataError, Example, MotetError, Processor, Task
from motet.core.ranks import gather, rank, world
from motet.data.loader import with_row
from motet.data.source import Source
from motet.data.splits import Subset
from motet.evaluation.retrieval import is_over_split


def without_bad_rows(source: Source, processor: Processor, *, workers: int = 0) -> tuple[Source, tuple[str, ...]]:
    """Reads every row of a source as an evaluation does, and leaves out those that cannot be read.

    A whole source is read before its evaluation, so that every rank, every task and every trivial baseline has the same
    rows. Each rank reads its share.

    Args:
        source: of role "val" or "test".
        processor: encodes the rows.
        workers: processes that read and decode.

    Returns:
        The source with the rows that can be read, and a line per row that cannot.

    Raises:
        DataError: no row can be read.
    """
    own = range(rank(), len(source.reader), world())
    loader = DataLoader(
        _Errors(source, processor, own),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        generator=torch.Generator(),
    )
    found: dict[int, str] = {}
    for row, error in zip(own, loader, strict=True):
        if isinstance(error, DataError):
            found[row] = f"{source.name}: {error}"
        elif isinstance(error, MotetError):
            raise error
    bad = {row: line for part in gather(found) for row, line in part.items()}
    if len(bad) == len(source.reader):
        raise DataError(f"source {source.name!r}: got no row that can be read; want at least one: {bad[min(bad)]}")
    if not bad:
        return source, ()
    rows = tuple(row for row in range(len(source.reader)) if row not in bad)
    return replace(source, reader=Subset(source.reader, rows)), tuple(bad[row] for row in sorted(bad))


def readable_sources(
    sources: Iterable[Source], processor: Processor, on_bad_row: Literal["stop", "skip"], *, workers: int = 0
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Returns sources to evaluate: with "skip" without the rows that cannot be read, and a note per source on them."""
    if on_bad_row == "stop":
        return tuple(sources), ()
    kept, left_out = list[Source](), dict[str, tuple[str, ...]]()
    for source in sources:
        readable, left_out[source.name] = without_bad_rows(source, processor, workers=workers)
        kept.append(readable)
    return tuple(kept), left_out_notes(left_out)


def left_out_notes(left_out: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Returns a note per source on the rows that its evaluation skipped, with the first of them."""
    return tuple(
        f"{len(lines)} bad rows of {name} skipped, left out of its evaluation, such as {lines[0]}"
        for name, lines in left_out.items()
        if lines
    )


def check_readable(example: Example, tasks: Sequence[Task], processor: Processor) -> None:
    """Encodes a row for its tasks, without augmentation. Raises DataError where it cannot be read."""
    ranked = [task for task in tasks if is_over_split(task) and not example.candidates]
    plain = [task for task in tasks if task not in ranked]
    if plain:
        processor.row(example, plain, None)
    for task in ranked:
        # The texts of a split are read on their own; see `rank_split`.
        processor.row(Example(id=example.id, images=example.images, image_ids=example.image_ids), [task], None)


@dataclass(frozen=True)
class _Errors(Dataset[Any]):
    """Per row its error; None for a row that can be read."""

    source: Source
    processor: Processor
    rows: range

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> MotetError | None:
        row = self.rows[place]
        try:
            check_readable(self.source.reader[row], self.source.tasks, self.processor)
        except DataError as error:
            return with_row(error, row)
        except MotetError as error:
            return error
        return None
