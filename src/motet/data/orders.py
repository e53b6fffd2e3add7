"""The order of a source's rows in one epoch, as a function of the position: nothing but the position is its state."""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol

import numpy as np

from motet.core import Reader, Sharded, rng_for


class Order(Protocol):
    """The rows (or images) of one epoch by their position."""

    def __getitem__(self, place: int, /) -> int:
        """Returns the row at a position."""
        ...


class ShardOrder:
    """The rows of a reader in shards: the shards are shuffled, and then the rows inside windows of that order.

    A buffer that is filled and drawn from, as streams are usually shuffled, must be filled again after a stop, and
    gives another order at another number of workers. A window is permuted as a whole instead: the row at a position
    needs no row before it, so that a run resumes anywhere, at any number of ranks and workers, with the same rows.
    Memory is one window and one number per shard.

    Args:
        shard_rows: rows of each shard.
        window: rows per window.
        key: of the random numbers: seed, source, epoch.
    """

    def __init__(self, shard_rows: tuple[int, ...], window: int, key: tuple[int | str, ...]) -> None:
        self._window, self._key = window, key
        shards = rng_for("shards", *key).permutation(len(shard_rows))
        rows = np.asarray(shard_rows, dtype=np.int64)
        self._ends = np.cumsum(rows[shards])
        starts = np.array([0, *accumulate(shard_rows)][:-1], dtype=np.int64)
        # What to add to a place in the shuffled order for the row in the reader.
        self._shifts = starts[shards] - (self._ends - rows[shards])
        self._block: tuple[int, np.ndarray] | None = None

    def __getitem__(self, place: int, /) -> int:
        block, offset = divmod(place, self._window)
        first, total = block * self._window, int(self._ends[-1])
        if self._block is None or self._block[0] != block:
            size = min(self._window, total - first)
            self._block = (block, rng_for("window", *self._key, block).permutation(size))
        chosen = first + int(self._block[1][offset])
        return chosen + int(self._shifts[np.searchsorted(self._ends, chosen, side="right")])


def order_of(reader: Reader, count: int, seed: int, name: str, epoch: int) -> Order:
    """Returns the order of one epoch.

    Args:
        reader: of the rows; one in shards is read shard by shard.
        count: rows, or images where these are drawn.
        seed: of the run.
        name: of the source.
        epoch: from 0.
    """
    if isinstance(reader, Sharded):
        return ShardOrder(tuple(reader.shard_rows), reader.window, (seed, name, epoch))
    permutation: np.ndarray = rng_for("order", seed, name, epoch).permutation(count)
    return _Permuted(permutation)


class _Permuted:
    def __init__(self, permutation: np.ndarray) -> None:
        self._permutation = permutation

    def __getitem__(self, place: int, /) -> int:
        return int(self._permutation[place])
