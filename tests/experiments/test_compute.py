"""Compute in floating-point operations: counted updates, and the steps of a baseline with as many."""

from __future__ import annotations

import dataclasses

import pytest
from toys import toy_run

from motet.experiments.baselines import task_budgets
from motet.experiments.compute import count_flops, steps_of_equal_compute
from motet.experiments.single_task import single_task


def test_twice_the_rows_are_twice_the_operations() -> None:
    run = toy_run()
    assert count_flops(run) > 0
    rows = {"a": 80, "b": 40}
    once, twice = (count_flops(run, samples_seen={name: k * n for name, n in rows.items()}) for k in (1, 2))
    assert twice == pytest.approx(2 * once, rel=1e-6)


def test_a_forward_and_a_backward_pass_of_the_toy_are_counted() -> None:
    run = toy_run()
    parts = [count_flops(run, samples_seen={"a": 8 * (name == "a"), "b": 8 * (name == "b")}) for name in ("a", "b")]
    assert sum(parts) == pytest.approx(count_flops(run, samples_seen={"a": 8, "b": 8}), rel=1e-6)


def test_a_baseline_gets_the_compute_of_the_whole_run() -> None:
    run = toy_run()
    for task in run.tasks:
        steps = steps_of_equal_compute(run, task.name)
        single_run = single_task(run, task.name, steps=steps)
        assert count_flops(single_run) == pytest.approx(count_flops(run), rel=0.1)
        assert steps > single_task(run, task.name).train.steps
        (budget,) = task_budgets(run, [task.name], "compute")
        assert budget.single_steps == steps


def test_counting_leaves_the_run_and_its_model_alone() -> None:
    run = dataclasses.replace(toy_run())
    assert count_flops(run) == count_flops(run)
