"""What every schedule is held to: pure, the same rows for any number of ranks, resumable, its rates as said."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from toys import toy_sources

from motet.core import CheckpointError, ConfigError, Schedule
from motet.data.drawn_batches import DrawnBatches
from motet.data.round_robin import RoundRobin
from motet.data.sampling_rates import EqualRates, FixedRates
from motet.data.schedules import SCHEDULES, Exactly, Mixed
from motet.data.stop_and_go import StopAndGo
from motet.training.run import ScheduleSpec

SPECS: dict[str, ScheduleSpec] = {
    "mixed": Mixed(batch_size=13),
    "mixed, equal": Mixed(rates=EqualRates(), batch_size=8),
    "whole batches": Mixed(batch_size=6, whole_batches=True),
    "round robin": Mixed(
        rates=FixedRates({"a": 0.5, "b": 0.3, "c": 0.2}), batch_size=5, whole_batches=True, round_robin=True
    ),
    "exactly": Exactly(rows={"a": 700, "b": 123, "c": 57}, batch_size=11),
    "exactly, whole batches": Exactly(
        rows={"a": 700, "b": 123, "c": 57}, batch_size=4, batch_sizes={"b": 6, "c": 4}, whole_batches=True
    ),
    "exactly, six batches": Exactly(rows={"a": 1400, "b": 1230, "c": 570}, batch_size=4, whole_batches=True, batches=6),
    "drawn batches": DrawnBatches(batches=6, batch_size=4),
    "stop and go": RoundRobin(batch_size=7, batch_sizes={"b": 4}, stop=StopAndGo()),
    "curriculum": RoundRobin(batch_size=5, first=(("task_c",),)),
}
SOURCES = toy_sources(40, 20, 10)


def rows(schedule: Schedule, index: int, world: int) -> Counter[str]:
    step = schedule.step(index, world)
    assert len(step.batches) == world
    return Counter(name for batches in step.batches for batch in batches for name in Counter(batch).elements())


def test_every_schedule_stands_here() -> None:
    assert {type(spec) for spec in SPECS.values()} == set(SCHEDULES.values())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
class TestSchedule:
    def test_the_same_step_is_the_same_whenever_it_is_asked(self, spec: ScheduleSpec) -> None:
        one, two = spec.bind(SOURCES, seed=1), spec.bind(SOURCES, seed=1)
        forwards = [one.step(index, 1) for index in range(60)]
        assert [two.step(index, 1) for index in reversed(range(60))] == forwards[::-1]

    def test_another_seed_draws_otherwise(self, spec: ScheduleSpec) -> None:
        drawn = [[spec.bind(SOURCES, seed=seed).step(i, 1) for i in range(60)] for seed in (1, 2)]
        deterministic = isinstance(spec, RoundRobin) or (isinstance(spec, Mixed) and spec.round_robin)
        assert (drawn[0] == drawn[1]) == deterministic

    @pytest.mark.parametrize("world", [2, 3, 16])
    def test_the_rows_in_all_do_not_depend_on_the_ranks(self, spec: ScheduleSpec, world: int) -> None:
        schedule = spec.bind(SOURCES, seed=1)
        for index in range(90):
            assert rows(schedule, index, 1) == rows(schedule, index, world)

    def test_every_update_has_the_form_that_is_said(self, spec: ScheduleSpec) -> None:
        schedule = spec.bind(SOURCES, seed=1)
        form = schedule.update_form()
        for index in range(25):
            step = schedule.step(index, 1)
            (batches,) = step.batches
            assert len(batches) == form.batches or step.update == "each"
            assert all(len(batch) == 1 for batch in batches) or form.mixed
            for batch in batches:
                size = sum(batch.values())
                assert size == (max(form.batch_sizes.values()) if form.mixed else form.batch_sizes[next(iter(batch))])

    def test_ranks_share_the_rows_evenly(self, spec: ScheduleSpec) -> None:
        step = spec.bind(SOURCES, seed=1).step(0, 3)
        sizes = [sum(sum(batch.values()) for batch in batches) for batches in step.batches]
        assert max(sizes) - min(sizes) <= 1

    def test_the_state_goes_through_json_and_back(self, spec: ScheduleSpec) -> None:
        one, two = spec.bind(SOURCES, seed=1), spec.bind(SOURCES, seed=1)
        one.step(7, 1)
        two.load_state_dict(json.loads(json.dumps(one.state_dict())))
        assert [one.step(index, 2) for index in range(8, 20)] == [two.step(index, 2) for index in range(8, 20)]

    def test_a_state_of_another_schedule_is_refused(self, spec: ScheduleSpec) -> None:
        other = Mixed(rates=FixedRates({"a": 1, "b": 0, "c": 0}), batch_size=3).bind(SOURCES, seed=1)
        with pytest.raises(CheckpointError, match=r"schedule: .*got a checkpoint with"):
            spec.bind(SOURCES, seed=1).load_state_dict(other.state_dict())


@pytest.mark.parametrize("name", ["mixed", "mixed, equal", "whole batches", "round robin"])
def test_rates_are_within_three_sigma_over_ten_thousand_draws(name: str) -> None:
    spec = SPECS[name]
    schedule = spec.bind(SOURCES, seed=3)
    assert isinstance(spec, Mixed)
    draws = 10_000
    per_step = 1 if spec.whole_batches else spec.batch_size
    counts: Counter[str] = Counter()
    for index in range(draws // per_step):
        for source, count in rows(schedule, index, 1).items():
            counts[source] += count // (spec.batch_size if spec.whole_batches else 1)
    total = counts.total()
    want = {"mixed": (4 / 7, 2 / 7, 1 / 7), "mixed, equal": (1 / 3,) * 3, "whole batches": (4 / 7, 2 / 7, 1 / 7)}
    for source, rate in zip("abc", want.get(name, (0.5, 0.3, 0.2)), strict=True):
        assert abs(counts[source] - total * rate) <= 3 * (total * rate * (1 - rate)) ** 0.5


def test_whole_batches_have_one_source_each() -> None:
    schedule = SPECS["whole batches"].bind(SOURCES, seed=0)
    assert all(len(rows(schedule, index, 2)) == 1 for index in range(50))


def test_equal_rates_take_turns_in_round_robin() -> None:
    spec = Mixed(rates=EqualRates(), batch_size=2, whole_batches=True, round_robin=True)
    schedule = spec.bind(SOURCES, seed=0)
    assert "".join(next(iter(rows(schedule, index, 1))) for index in range(7)) == "abcabca"


def test_round_robin_is_never_more_than_a_batch_away_from_its_rates() -> None:
    schedule = SPECS["round robin"].bind(SOURCES, seed=0)
    counts: Counter[str] = Counter()
    for index in range(200):
        counts[next(iter(rows(schedule, index, 1)))] += 1
        for source, rate in zip("abc", (0.5, 0.3, 0.2), strict=True):
            assert abs(counts[source] - rate * (index + 1)) <= 1


def test_exactly_gives_every_row_once_and_then_nothing() -> None:
    spec = SPECS["exactly"]
    assert isinstance(spec, Exactly)
    schedule = spec.bind(SOURCES, seed=0)
    total = sum((rows(schedule, index, 2) for index in range(spec.steps)), Counter())
    assert total == {"a": 700, "b": 123, "c": 57}
    assert not rows(schedule, spec.steps, 2)
    assert schedule.step(spec.steps, 2).batches == ((), ())


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ConfigError, match="batch_size: got 0"):
        Mixed(batch_size=0)
    with pytest.raises(ConfigError, match="want whole_batches=True"):
        Mixed(round_robin=True)
    with pytest.raises(ConfigError, match="got 'z'; want a training source: a, b, c"):
        Exactly(rows={"z": 3}).bind(SOURCES, seed=0)
    with pytest.raises(ConfigError, match="want at least one row"):
        Exactly(rows={"a": 0})
