"""The dimensions of a search: those that a recipe has, as settings that it accepts."""

from __future__ import annotations

import dataclasses

import pytest
from toys import toy_run

from motet.config.overrides import with_settings
from motet.data.sampling_rates import EqualRates, FixedRates, Temperature
from motet.data.schedules import Exactly, Mixed
from motet.experiments.search_space import search_space
from motet.systems.lit_decoder.config import LiTDecoderConfig
from motet.training.balancers import TaskMean, Uncertainty, Weighted
from motet.training.run import From


class Ends:
    """Stands for a trial that draws one end of every range."""

    def __init__(self, low):
        self.low = low

    def suggest_float(self, name, low, high, *, log):
        assert log
        assert 0 < low < high
        return low if self.low else high

    def suggest_int(self, name, low, high):
        return low if self.low else high

    def suggest_categorical(self, name, choices):
        return choices[0 if self.low else -1]


def settings_of(run, low):
    return [one.suggest(Ends(low)) for one in search_space(run)]


@pytest.mark.parametrize("low", [True, False])
@pytest.mark.parametrize(
    "schedule", [Mixed(), Mixed(rates=Temperature(20.0)), Mixed(rates=FixedRates({"a": 4.0, "b": 1.0}))]
)
def test_every_setting_is_one_that_the_recipe_accepts(schedule, low) -> None:
    run = toy_run(schedule=schedule)
    changed = with_settings(run, settings_of(run, low))
    assert changed.train.lr == pytest.approx(run.train.lr * (0.1 if low else 10))
    assert changed.schedule.rates != run.schedule.rates or (low and schedule == Mixed())
    assert type(changed.balancer).__name__ == ("RowMean" if low else "Uncertainty")


def test_rates_are_searched_by_source_and_a_source_that_is_left_out_stays_out() -> None:
    run = toy_run(schedule=Mixed(rates=FixedRates({"a": 4.0, "b": 0.0})))
    assert [one.name for one in search_space(run) if one.name.startswith("rate")] == ["rate of a"]
    assert with_settings(run, settings_of(run, True)).schedule.rates == FixedRates({"a": 1.0, "b": 0.0})


def test_a_recipe_has_only_its_own_dimensions() -> None:
    run = toy_run(balancer=Weighted({"task_a": 2.0}), schedule=Exactly(rows={"a": 40, "b": 20}))
    assert {one.name for one in search_space(run)} == {"train.lr"}
    assert "temperature" not in {one.name for one in search_space(toy_run(schedule=Mixed(rates=EqualRates())))}


def test_the_depth_is_searched_unless_weights_of_another_run_fix_it(tmp_path) -> None:
    run = dataclasses.replace(toy_run(), system=LiTDecoderConfig(depth=3, width=8, heads=1))
    depth = next(one for one in search_space(run) if one.name == "system.depth")
    assert (depth.base, depth.suggest(Ends(True)), depth.suggest(Ends(False))) == (
        3,
        "system.depth=1",
        "system.depth=6",
    )
    started = dataclasses.replace(run, start=From(tmp_path))
    assert "system.depth" not in {one.name for one in search_space(started)}


@pytest.mark.parametrize("balancer", [TaskMean(), Uncertainty()])
def test_the_base_values_are_those_of_the_recipe(balancer) -> None:
    run = toy_run(balancer=balancer, schedule=Mixed(rates=Temperature(3.0)))
    base = {one.name: one.base for one in search_space(run)}
    assert base == {"train.lr": run.train.lr, "temperature": 3.0, "balancer": f"{type(balancer).__name__}()"}
