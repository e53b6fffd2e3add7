"""Mixed and Exactly: probabilities, whole batches, turns, exact counts, ranks, and saved settings."""

from collections import Counter

import pytest
from toys import toy_sources

from motet.core import CheckpointError, ConfigError
from motet.data.sampling_rates import EqualRates, FixedRates
from motet.data.schedules import Exactly, Mixed

SOURCES = toy_sources(12, 12, 12)
RATES = FixedRates({"a": 5, "b": 3, "c": 2})


def totals(schedule, steps: int, world: int = 1) -> Counter[str]:
    found: Counter[str] = Counter()
    for index in range(steps):
        for batches in schedule.step(index, world).batches:
            for batch in batches:
                found.update(batch)
    return found


def test_rows_are_drawn_with_the_probabilities() -> None:
    counts = totals(Mixed(rates=RATES, batch_size=50).bind(SOURCES, seed=0), 200)
    for name, rate in RATES.by_source.items():
        share = rate / 10
        assert abs(counts[name] - 10_000 * share) < 4 * (10_000 * share * (1 - share)) ** 0.5


def test_draws_depend_on_the_seed_and_the_index_only() -> None:
    one, same, other = (Mixed(rates=RATES, batch_size=20).bind(SOURCES, seed=seed) for seed in (0, 0, 1))
    steps = [one.step(index, 1) for index in range(5)]
    assert [same.step(index, 1) for index in (4, 3, 2, 1, 0)] == steps[::-1]
    assert [other.step(index, 1) for index in range(5)] != steps


@pytest.mark.parametrize("world", [2, 3, 8])
@pytest.mark.parametrize("config", [Mixed(batch_size=7), Exactly(rows={"a": 9, "b": 5}, batch_size=7)])
def test_ranks_share_the_rows_of_a_step(config: Mixed | Exactly, world: int) -> None:
    schedule = config.bind(SOURCES, seed=0)
    for index in range(4):
        alone, step = schedule.step(index, 1), schedule.step(index, world)
        assert len(step.batches) == world
        shared = sum((Counter(batch) for batches in step.batches for batch in batches), Counter())
        assert shared == sum((Counter(batch) for batch in alone.batches[0]), Counter())


def test_whole_batches_have_one_source() -> None:
    schedule = Mixed(rates=RATES, batch_size=6, whole_batches=True).bind(SOURCES, seed=0)
    batches = [schedule.step(index, 1).batches[0][0] for index in range(60)]
    assert {len(batch) for batch in batches} == {1}
    assert len({next(iter(batch)) for batch in batches}) == 3


def test_round_robin_follows_the_largest_deficit() -> None:
    config = Mixed(rates=FixedRates({"a": 2, "b": 1, "c": 0}), batch_size=1, whole_batches=True, round_robin=True)
    schedule = config.bind(SOURCES, seed=0)
    assert "".join(next(iter(schedule.step(index, 1).batches[0][0])) for index in range(6)) == "abaaba"
    equal = Mixed(rates=EqualRates(), batch_size=1, whole_batches=True, round_robin=True).bind(SOURCES, seed=0)
    assert "".join(next(iter(equal.step(index, 1).batches[0][0])) for index in range(6)) == "abcabc"


def test_round_robin_is_the_same_from_any_step() -> None:
    config = Mixed(rates=RATES, batch_size=1, whole_batches=True, round_robin=True)
    in_order, late = config.bind(SOURCES, seed=0), config.bind(SOURCES, seed=0)
    steps = [in_order.step(index, 1) for index in range(20)]
    assert late.step(19, 1) == steps[19]
    assert late.step(3, 1) == steps[3]


@pytest.mark.parametrize("whole", [False, True])
def test_exactly_takes_each_count_and_then_nothing(whole: bool) -> None:
    config = Exactly(rows={"a": 23, "b": 8, "c": 0}, batch_size=5, whole_batches=whole)
    schedule = config.bind(SOURCES, seed=0)
    assert config.steps == (5 + 2 if whole else 7)
    assert totals(schedule, config.steps) == {"a": 23, "b": 8}
    assert schedule.step(config.steps, 1).batches == ((),)
    if whole:
        assert all(len(schedule.step(index, 1).batches[0][0]) == 1 for index in range(config.steps))


@pytest.mark.parametrize("config", [Mixed(rates=RATES), Exactly(rows={"a": 3}, whole_batches=True)])
def test_a_checkpoint_of_other_settings_is_refused(config: Mixed | Exactly) -> None:
    schedule = config.bind(SOURCES, seed=0)
    schedule.load_state_dict(schedule.state_dict())
    assert schedule.due(100) == ()
    with pytest.raises(CheckpointError, match=r"schedule: .*got a checkpoint with"):
        schedule.load_state_dict(schedule.state_dict() | {"batch_size": 1})


def test_settings_that_cannot_be_are_errors() -> None:
    with pytest.raises(ConfigError, match=r"Mixed\.batch_size: got 0"):
        Mixed(batch_size=0)
    with pytest.raises(ConfigError, match="want whole_batches=True"):
        Mixed(round_robin=True)
    with pytest.raises(ConfigError, match=r"Exactly\.rows: got .*; want at least one row"):
        Exactly(rows={"a": 0})
    with pytest.raises(ConfigError, match=r"Exactly\.rows: got 'd'; want a training source: a, b, c"):
        Exactly(rows={"d": 1}).bind(SOURCES, seed=0)
