"""Stored states of a frozen text encoder: each text is encoded once, whatever the task or the step.

The files are those of `feature_parts`, in a folder per encoder and tokeniser. A part holds texts of one length, so that
nothing is padded, neither on the disk nor in the encoder's batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch

from motet.core import ConfigError, DataError, StoresTexts, System
from motet.data.feature_parts import parts_in, write_part
from motet.data.source import Source
from motet.data.store_filling import (
    PART_BYTES,
    FillProgress,
    check_room,
    exclusively,
    fill_on_rank_0,
    intact_rows,
    store_folder,
    to_float16,
)

TEXT_BATCH = 64
"""Texts that the encoder of a store takes at once."""

_YIELD_EVERY = 1024


class TextStates:
    """Stored states of texts, looked up by their token ids.

    Args:
        store: the folder of one encoder and its tokeniser.
    """

    def __init__(self, store: Path) -> None:
        self.store, self.parts = store, parts_in(store)
        self._rows = {
            content: (place, row) for place, part in enumerate(self.parts) for row, (content, _) in enumerate(part.rows)
        }
        self._arrays: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __getstate__(self) -> dict[str, Any]:
        # A memory map does not survive pickling: each process maps the files itself.
        return self.__dict__ | {"_arrays": {}}

    def read(self, ids: Sequence[int]) -> np.ndarray | None:
        """Returns the states of a text's tokens, (t, d) float16; None for a text that is not stored."""
        found = self._rows.get(_digest(ids))
        if found is None:
            return None
        place, row = found
        if place not in self._arrays:
            self._arrays[place] = self.parts[place].array()
        return np.array(self._arrays[place][row])

    @classmethod
    def fill(
        cls,
        system: System,
        texts: Iterable[Sequence[int]],
        folder: str | Path,
        *,
        batch_size: int = TEXT_BATCH,
        progress: FillProgress | None = None,
    ) -> Self:
        """Encodes the texts that the store of a system's text encoder does not have yet, and returns the store.

        Checks, locks and waits as `FeatureFiles.fill` does.

        Args:
            system: its `encode_texts` makes the states.
            texts: token ids of each text.
            folder: the folder of all stores.
            batch_size: texts per batch of the encoder.
            progress: called after every batch.

        Raises:
            ConfigError: a system without a frozen text encoder, no room on the disk, states beyond float16.
        """
        key = system.text_key() if isinstance(system, StoresTexts) else None
        if key is None or not isinstance(system, StoresTexts):
            raise ConfigError(
                f"Features: got {type(system).__name__} without a frozen text encoder; want one whose states can be "
                "stored"
            )
        description = {"text encoder": key}
        store = store_folder(Path(folder), description)
        job = _FillJob(system, store, batch_size, progress)
        fill_on_rank_0(exclusively(store, description, job.fill(texts)))
        return cls(store)


def texts_in(
    system: System, sources: Iterable[Source], on_bad_row: Literal["stop", "skip"] = "stop"
) -> Iterator[tuple[int, ...]]:
    """Yields the token ids of every text that a system reads from a store, as often as rows have it.

    Rows that a source composes of others are left out: their texts are only known when they are drawn.

    Args:
        system: a `StoresTexts`.
        sources: whose rows are read.
        on_bad_row: "skip" leaves out a row that cannot be read.

    Raises:
        DataError: a row that cannot be read, when bad rows stop the run.
    """
    if not isinstance(system, StoresTexts):
        return
    stored = system.stored_text_tasks()
    for source in sources:
        tasks = [task for task in source.tasks if task.name in stored]
        for place in range(len(source.reader)) if tasks and source.compose is None else ():
            try:
                example = source.reader[place]
            except DataError:
                if on_bad_row == "stop":
                    raise
                continue  # the rows are counted when they are drawn
            for task in tasks:
                yield from system.text_ids(example, task)


@dataclass(frozen=True)
class _FillJob:
    """One call of `TextStates.fill` on rank 0; its methods are generators, as those for images are."""

    system: StoresTexts
    store: Path
    batch_size: int
    progress: FillProgress | None

    def fill(self, texts: Iterable[Sequence[int]]) -> Iterator[None]:
        by_digest: dict[str, tuple[int, ...]] = {}
        for number, ids in enumerate(texts):
            by_digest.setdefault(_digest(ids), tuple(ids))
            if number % _YIELD_EVERY == 0:
                yield
        stored = yield from intact_rows(self.store, by_digest)
        missing = sorted((ids for digest, ids in by_digest.items() if (digest, 0) not in stored), key=len)
        if not missing:
            return
        width = self._encode(missing[:1]).shape[2]
        check_room(
            self.store,
            2 * width * sum(map(len, missing)),
            f"the states of {len(missing):,} texts (give another folder, or Run.features=None)",
        )
        done = 0
        for length, same in groupby(missing, key=len):
            rows = list(same)
            # Whole batches, as for images: a filling that is continued encodes the same ones.
            part_rows = max(1, PART_BYTES // (2 * width * length * self.batch_size)) * self.batch_size
            for start in range(0, len(rows), part_rows):
                part = rows[start : start + part_rows]
                batches = (self._encode(part[at : at + self.batch_size]) for at in range(0, len(part), self.batch_size))
                keys = [(_digest(ids), 0) for ids in part]
                for written in write_part(self.store, keys, (length, width), batches):
                    if self.progress is not None:
                        self.progress(done + written, len(missing))
                    yield
                done += len(part)

    def _encode(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        with torch.no_grad():
            return to_float16(self.system.encode_texts(torch.tensor(rows)))


def _digest(ids: Sequence[int]) -> str:
    """Returns the key of a text; its tokeniser is in the key of the store."""
    return hashlib.blake2b(np.asarray(ids, dtype="<i8").tobytes(), digest_size=16).hexdigest()
