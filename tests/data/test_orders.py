"""The order of a reader in shards: every row once per epoch, near its shard, from any position."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from toys import label_task

from motet.core import Example, Sharded
from motet.data.image_index import fingerprint_of, image_index
from motet.data.mixture import Mixture
from motet.data.orders import ShardOrder, order_of
from motet.data.schedules import Mixed
from motet.data.source import Source


@dataclass(frozen=True)
class Shards:
    shard_rows: tuple[int, ...]
    window: int = 50

    def __len__(self):
        return sum(self.shard_rows)

    def keys(self, index):
        return (f"i{index}",)

    def __getitem__(self, index):
        return Example(id=f"r{index}", image_ids=self.keys(index))


@pytest.mark.parametrize("rows", [(7, 0, 12, 1, 30), (100,), (1,), (50, 50)])
@pytest.mark.parametrize("window", [1, 8, 50, 1000])
def test_every_row_comes_once(rows, window):
    order = ShardOrder(rows, window, (0, "a", 0))
    assert sorted(order[place] for place in range(sum(rows))) == list(range(sum(rows)))


def test_rows_are_shuffled_among_shards_and_inside_windows():
    rows, window = (100,) * 20, 200
    order = ShardOrder(rows, window, (0, "a", 0))
    found = np.array([order[place] for place in range(2000)])
    for first in range(0, 2000, window):
        shards = {row // 100 for row in found[first : first + window].tolist()}
        assert len(shards) <= window // 100 + 1, "a window needs more shards than it is long"
    shards_in_order = list(dict.fromkeys((found // 100).tolist()))
    assert shards_in_order != sorted(shards_in_order)
    steps = np.diff(found[:window])
    assert (np.abs(steps) == 1).mean() < 0.2, "rows come as they are stored"


def test_epochs_seeds_and_sources_differ():
    found = {
        key: tuple(ShardOrder((30, 30), 60, key)[place] for place in range(60))
        for key in [(0, "a", 0), (0, "a", 1), (1, "a", 0), (0, "b", 0)]
    }
    assert len(set(found.values())) == 4


def test_a_position_needs_no_row_before_it():
    rows = (13, 40, 9)
    whole = ShardOrder(rows, 10, (3, "a", 2))
    found = [whole[place] for place in range(62)]
    for place in (61, 5, 30, 0):
        assert ShardOrder(rows, 10, (3, "a", 2))[place] == found[place]


def test_only_a_reader_in_shards_is_read_so():
    assert isinstance(Shards((3,)), Sharded)
    assert isinstance(order_of(Shards((3, 4)), 7, 0, "a", 0), ShardOrder)
    assert not isinstance(order_of(range(7), 7, 0, "a", 0), ShardOrder)


def source(reader):
    return Source(name="stream", reader=reader, tasks=(label_task("task_a"),))


def test_a_mixture_takes_its_memory_by_shards():
    """A hundred bytes per row is what is allowed; it takes 8 for the index."""
    reader = Shards((10_000,) * 100, window=10_000)
    sources = (source(reader),)
    tracemalloc.start()
    mixture = Mixture(sources, Mixed(batch_size=64).bind(sources, seed=0))
    for index in (0, 7000, 15_000):
        mixture.plan(index, rank=0, world=1, consumed={"stream": 64 * index})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(reader)


def test_another_order_of_shards_is_another_data_set():
    one, other = Shards((30, 20)), Shards((20, 30))
    assert fingerprint_of(image_index(one)) != fingerprint_of(image_index(other))
    assert fingerprint_of(image_index(one)) == fingerprint_of(image_index(Shards((30, 20), window=7)))
    assert image_index(one).rows_of(49).tolist() == [49]
    assert image_index(one).ids[49] == ("i49",)
