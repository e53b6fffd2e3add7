"""Batches of a source each: drawn apart, at their rates, of their sizes, dealt out to ranks without changing a row."""

from collections import Counter

import pytest
from toys import toy_sources

from motet.core import ConfigError
from motet.data.drawn_batches import DrawnBatches
from motet.data.mixture import Mixture, RowRequest
from motet.data.sampling_rates import FixedRates

SOURCES = toy_sources(20, 20, 20)
RATES = FixedRates({"a": 5, "b": 3, "c": 2})


def test_each_rank_draws_its_own_source_at_the_rates_that_are_said() -> None:
    schedule = DrawnBatches(rates=RATES, batches=2, batch_sizes={"a": 4, "b": 6}, batch_size=3).bind(SOURCES, seed=1)
    drawn: Counter[tuple[str, str]] = Counter()
    for index in range(4000):
        step = schedule.step(index, 2)
        assert [len(batches) for batches in step.batches] == [1, 1]
        names = []
        for (batch,) in step.batches:
            ((name, rows),) = batch.items()
            assert rows == {"a": 4, "b": 6, "c": 3}[name]
            names.append(name)
        drawn[names[0], names[1]] += 1
    # Apart: what one rank draws says nothing about the other.
    for (one, other), count in drawn.items():
        wanted = 4000 * RATES.by_source[one] * RATES.by_source[other] / 100
        assert abs(count - wanted) < 4 * wanted**0.5


@pytest.mark.parametrize("world", [2, 3, 4, 8])
def test_a_batch_has_the_same_rows_on_any_number_of_ranks(world: int) -> None:
    mixture = Mixture(SOURCES, DrawnBatches(rates=RATES, batches=6, batch_size=3).bind(SOURCES, seed=1), 1)
    taken = mixture.consumed
    for index in range(10):
        alone = mixture.plan(index, rank=0, world=1, consumed=taken)
        shares = [mixture.plan(index, rank=rank, world=world, consumed=taken) for rank in range(world)]
        found: list[tuple[RowRequest, ...]] = [batch for share in shares for batch in share.batches if batch]
        assert sorted(found, key=repr) == sorted(alone.batches, key=repr)
        assert all(share.consumed == alone.consumed for share in shares)
        taken = alone.consumed


def test_a_rate_of_zero_is_never_drawn() -> None:
    schedule = DrawnBatches(rates=FixedRates({"a": 1, "b": 0, "c": 1}), batches=8).bind(SOURCES, seed=0)
    names = {name for index in range(200) for batch in schedule.step(index, 1).batches[0] for name in batch}
    assert names == {"a", "c"}


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ConfigError, match="batches: got 0; want at least 1"):
        DrawnBatches(batches=0)
    with pytest.raises(ConfigError, match="batch size 'a': got 0"):
        DrawnBatches(batch_sizes={"a": 0})
    with pytest.raises(ConfigError, match="batch_sizes: got 'z'"):
        DrawnBatches(batch_sizes={"z": 2}).bind(SOURCES, seed=0)
