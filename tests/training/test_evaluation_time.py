"""Seconds of all evaluations: every pass is counted, and a source of many rows is not read whole."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from toys import toy_run

from motet.training import evaluation_time as module
from motet.training.evaluation_time import evaluation_bound, evaluation_seconds
from motet.training.initial_weights import initial_system


@pytest.fixture
def clock(monkeypatch):
    """Evaluation takes half a second, and a tenth of a second per row."""
    now = [0.0]

    def evaluate(system, sources, **given):
        now[0] += 0.5 + 0.1 * sum(len(source.reader) for source in sources)

    monkeypatch.setattr(module, "evaluate", evaluate)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


def seconds(run):
    system, _ = initial_system(run, torch.device("cpu"))
    return evaluation_seconds(run, system, lambda: 0.0)


def test_every_pass_over_val_and_test_rows_is_counted(clock) -> None:
    run = toy_run()  # two sources each: 10 rows of val, 15 of test; evaluated after 10, 20 and 30 steps
    assert seconds(run) == pytest.approx(2 * (3 * (0.5 + 1.0) + 3 * (0.5 + 1.5)))
    at_end = dataclasses.replace(run, train=dataclasses.replace(run.train, evaluate_every=0))
    assert seconds(at_end) == pytest.approx(2 * ((0.5 + 1.0) + 3 * (0.5 + 1.5)))
    best = dataclasses.replace(run, train=dataclasses.replace(run.train, final_weights="best"))  # and before the first
    assert seconds(best) == pytest.approx(2 * (4 * (0.5 + 1.0) + 3 * (0.5 + 1.5)))


def test_many_rows_are_a_straight_line_through_two_measurements(clock, monkeypatch) -> None:
    monkeypatch.setattr(module, "_FEW", 2)
    monkeypatch.setattr(module, "_SOME", 5)
    run = toy_run()
    assert seconds(run) == pytest.approx(2 * (3 * (0.5 + 1.0) + 3 * (0.5 + 1.5)))


def test_the_bound_counts_every_pass_over_every_row() -> None:
    run = toy_run()
    assert evaluation_bound(run, 0.25) == module._GENERATION * 0.25 * 2 * (3 * 10 + 3 * 15)
    at_end = dataclasses.replace(run, train=dataclasses.replace(run.train, evaluate_every=0))
    assert evaluation_bound(at_end, 0.25) == module._GENERATION * 0.25 * 2 * (10 + 3 * 15)
