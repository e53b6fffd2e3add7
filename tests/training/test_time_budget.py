"""Steps from a time: the measured step, stored features and evaluations are counted."""

import dataclasses

import pytest
from toys import toy_run

from motet.core import ConfigError
from motet.training import estimate as estimate_module
from motet.training import time_budget
from motet.training.estimate import estimate
from motet.training.time_budget import fixed_seconds, steps_within


@pytest.fixture
def timed(monkeypatch):
    """The estimate of a run with a step of half a second and 20 s of stored features."""

    def fake(run, **given):
        assert given["timed_steps"] > 1
        times = {"step_seconds": 0.5, "store_seconds": 20.0, "setup_seconds": 4.0, "evaluation_seconds": 6.0}
        return dataclasses.replace(estimate(run, timed_steps=1), **times)

    monkeypatch.setattr(time_budget, "estimate", fake)


def test_steps_fill_the_time_that_is_left(timed) -> None:
    run = toy_run()
    found = time_budget.estimate(run, timed_steps=2)
    assert fixed_seconds(found) == 20.0 + 4.0 + 6.0
    assert steps_within(run, 600) == int((600 - 30) / 0.5)


def test_a_time_that_is_too_short_says_how_much_is_needed(timed) -> None:
    run = toy_run()
    needed = (fixed_seconds(time_budget.estimate(run, timed_steps=2)) + 0.5) / 60
    with pytest.raises(ConfigError, match=rf"got 0.1; want at least {needed:.1f}: the start, storing"):
        steps_within(run, 6)


def test_a_measured_run_says_its_parts(timed) -> None:
    found = time_budget.measure(toy_run())
    assert (found.step_seconds, found.store_seconds) == (0.5, 20.0)
    assert found.fixed_seconds > 20
    assert found.steps_in(600) == steps_within(toy_run(), 600)
    assert found.steps_in(1) <= 0


def test_a_run_far_below_the_time_is_timed_by_one_step(monkeypatch) -> None:
    def refuse(*given):
        raise AssertionError("evaluated")

    run = toy_run()
    exact = time_budget.measure(run)
    assert not exact.at_most
    monkeypatch.setattr(estimate_module, "evaluation_seconds", refuse)
    found = time_budget.measure(run, within=100_000)
    assert found.at_most
    assert found.step_seconds > 0
    assert found.fixed_seconds > 0
    with pytest.raises(AssertionError, match="evaluated"):
        time_budget.measure(run, within=found.fixed_seconds / 100)
