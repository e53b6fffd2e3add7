"""Twins: the learning rate is chosen on val, test is judged once, and a stop costs nothing that was finished."""

from __future__ import annotations

import re

import pytest
from toy_baselines import TASKS, Machine, run

from motet.core import CheckpointError, ConfigError
from motet.experiments.baselines import task_budgets, train_baselines
from motet.experiments.lr_search import FACTORS


def train(machine, folder, one=None, **given):
    lines = []
    done = train_baselines(one or run(), folder, train_run=machine.execute, log=lines.append, **given)
    return done, lines


def test_the_rate_is_chosen_on_val_and_test_is_evaluated_once_with_it(tmp_path):
    machine = Machine(best=0.03)
    done, lines = train(machine, tmp_path)
    assert done == {"kind": tmp_path / "kind", "caption": tmp_path / "caption"}
    rates = [factor * 0.01 for factor in FACTORS]
    for task in ("kind", "caption"):
        assert [lr for name, lr, role in machine.ran if (name, role) == (task, "val")] == pytest.approx(rates)
        assert [lr for name, lr, role in machine.ran if (name, role) == (task, "test")] == pytest.approx([0.03])
        # It is the very model that was best on val: nothing is trained again for the test rows.
        assert float((tmp_path / task / "weights").read_text()) == pytest.approx(0.03)
    assert sum("on val" in line for line in lines) == 6
    assert any(line == "kind alone: m 90.0 % on s" for line in lines)


def test_given_rates_and_tasks_are_the_ones_tried(tmp_path):
    machine = Machine(best=0.5)
    train(machine, tmp_path, tasks=["kind"], lrs=[0.5, 0.1])
    assert machine.ran == [("kind", 0.5, "val"), ("kind", 0.1, "val"), ("kind", 0.5, "test")]


def test_one_rate_needs_no_search(tmp_path):
    machine = Machine(best=0.5)
    train(machine, tmp_path, tasks=["kind"], lrs=[0.2])
    assert machine.ran == [("kind", 0.2, "test")]


def test_no_search_keeps_the_runs_own_rate(tmp_path):
    machine = Machine(best=0.5)
    train(machine, tmp_path, tasks=["kind"], search="none")
    assert machine.ran == [("kind", 0.01, "test")]


def test_without_val_rows_the_runs_own_rate_is_kept_and_told(tmp_path):
    machine = Machine(best=0.5)
    _, lines = train(machine, tmp_path, run(roles=("train", "test")), tasks=["kind"])
    assert machine.ran == [("kind", 0.01, "test")]
    assert any("no val rows to choose a learning rate by: 0.01 is kept" in line for line in lines)


def test_a_second_call_trains_nothing(tmp_path):
    train(Machine(best=0.03), tmp_path)
    again = Machine(best=0.03)
    done, lines = train(again, tmp_path)
    assert again.ran == []
    assert list(done) == ["kind", "caption"]
    assert len(lines) == 2


@pytest.mark.parametrize("stop_at", [1, 2, 4, 5, 8])
def test_a_stop_anywhere_goes_on_where_it_was(tmp_path, stop_at):
    machine = Machine(best=0.01)
    machine.stop_at = stop_at
    with pytest.raises(CheckpointError, match="call again to go on"):
        train(machine, tmp_path)
    again = Machine(best=0.01)
    train(again, tmp_path)
    whole = Machine(best=0.01)
    train(whole, tmp_path / "whole")
    assert machine.ran[:-1] + again.ran == whole.ran


def test_a_budget_has_the_rows_or_the_steps_of_the_run():
    rows, steps = (
        {one.task: one for one in task_budgets(run(), ["kind", "caption"], match)} for match in ("rows", "steps")
    )
    assert sum(one.rows for one in rows.values()) == 120
    for task, one in rows.items():
        assert (one.single_rows, one.single_steps) == (one.rows, -(-one.rows // 4))
        assert (steps[task].single_steps, steps[task].single_rows) == (30, 120)
        assert not one.at_most


def test_a_budget_without_a_known_length_is_the_most_that_is_tried():
    (one,) = task_budgets(run(), ["kind"], "plateau")
    assert (one.at_most, one.single_steps, one.probe_steps) == (True, 120, 120)


def test_a_run_of_one_task_is_its_own_single_run(tmp_path):
    with pytest.raises(ConfigError, match=re.escape("got a run of one task, 'kind'; want one of several")):
        train(Machine(best=1.0), tmp_path, run(tasks=TASKS[:1]))
    with pytest.raises(ConfigError, match="did you mean 'kind'"):
        train(Machine(best=1.0), tmp_path, tasks=["knid"])
