"""The length at which a task stops rising: the rule, the periods of training, and what a second call does."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from toys import toy_run

from motet.core import CheckpointError, ConfigError, Report, Result
from motet.core.model_folder import read_weights, step_folder
from motet.core.regular_files import read_json
from motet.experiments.baselines import train_baselines
from motet.experiments.plateau import BaselineLength, PlateauRule, find_length
from motet.experiments.single_task import single_task
from motet.report.budget import read_budget
from motet.training.lr_schedules import Constant, constant_after_warmup
from motet.training.run_training import run_training


def run_of(*, steps=40):
    run = toy_run()
    return dataclasses.replace(run, train=dataclasses.replace(run.train, steps=steps))


class Rising:
    """Stands for training: the score on val rises with the steps until it is flat; test scores 7."""

    def __init__(self, flat_from, *, higher=True, stop_at=None):
        self.flat_from, self.higher, self.stop_at, self.ran = flat_from, higher, stop_at, []

    def __call__(self, run, folder, /, *, resume):
        assert resume
        self.ran.append((folder.name, run.train.steps))
        if self.stop_at == len(self.ran):
            raise KeyboardInterrupt
        rise = min(run.train.steps, self.flat_from)
        role = "test" if run.of_role("test") else "val"
        value = 7.0 if role == "test" else rise if self.higher else 1000.0 - rise
        (task,) = run.tasks
        result = Result(
            task=task.name, source="s", metric="m", value=value, unit="%", higher_is_better=self.higher, count=9
        )
        report = Report(step=run.train.steps, role=role, results=(result,))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(report.to_dict()))
        self.last = run
        return report


def find(machine, folder, run=None, **rule):
    return find_length(run or run_of(), "task_b", folder, train_run=machine, plateau=PlateauRule(**rule), log=print)


def periods(run=None):
    return PlateauRule().lengths(len_of_rows(run), 40)


def len_of_rows(run=None):
    return single_task(run or run_of(), "task_b").train.steps


@pytest.mark.parametrize("higher", [True, False])
def test_training_ends_when_the_score_is_flat_and_the_length_is_that_of_the_last_rise(tmp_path, higher) -> None:
    lengths = periods()
    machine = Rising(flat_from=lengths[2], higher=higher)
    found = find(machine, tmp_path, tolerance=0.0)
    assert found == BaselineLength(lengths[2], still_rises=False)
    assert [steps for _, steps in machine.ran] == list(lengths[:5])  # two more that do not rise


def test_a_rise_within_the_tolerance_is_none(tmp_path) -> None:
    lengths = periods()
    assert find(Rising(flat_from=10**6), tmp_path, tolerance=10.0).steps == lengths[0]


def test_a_score_that_rises_to_the_end_is_said_to(tmp_path) -> None:
    found = find(Rising(flat_from=10**6), tmp_path)
    assert found == BaselineLength(160, still_rises=True)


def test_periods_are_one_run_that_goes_on_at_its_peak_rate_without_test_rows(tmp_path) -> None:
    machine = Rising(flat_from=0)
    find(machine, tmp_path)
    assert {name for name, _ in machine.ran} == {"length"}
    assert isinstance(machine.last.train.lr_schedule, Constant)
    assert not machine.last.of_role("test")
    assert machine.last.schedule.steps == 160  # the rows of the longest, so that every period continues the last


def test_a_second_call_goes_on_and_a_finished_one_trains_nothing(tmp_path) -> None:
    with pytest.raises(KeyboardInterrupt):
        find(Rising(flat_from=10**6, stop_at=3), tmp_path)
    again = Rising(flat_from=10**6)
    found = find(again, tmp_path)
    assert again.ran[0][1] == periods()[2]
    nothing = Rising(flat_from=10**6)
    assert find(nothing, tmp_path) == found
    assert nothing.ran == []


def test_a_note_of_another_run_or_a_damaged_one_is_refused(tmp_path) -> None:
    find(Rising(flat_from=0), tmp_path)
    with pytest.raises(CheckpointError, match="it is of another run"):
        find(Rising(flat_from=0), tmp_path, run_of(steps=44))
    (tmp_path / "length.json").write_text("{")
    with pytest.raises(CheckpointError, match="got a damaged file"):
        find(Rising(flat_from=0), tmp_path)


def test_a_task_without_val_rows_is_refused_before_training(tmp_path) -> None:
    machine, run = Rising(flat_from=0), run_of()
    without_val = dataclasses.replace(run, sources=tuple(one for one in run.sources if one.role != "val"))
    with pytest.raises(ConfigError, match=r"'task_b': got no source of role 'val'"):
        find(machine, tmp_path, without_val)
    assert machine.ran == []


def test_the_baseline_is_trained_at_the_found_length_with_the_runs_own_schedule(tmp_path) -> None:
    machine, run = Rising(flat_from=periods()[1]), run_of()
    done = train_baselines(
        run, tmp_path, train_run=machine, tasks=["task_b"], match="plateau", search="none", log=print,
        plateau=PlateauRule(tolerance=0.0),
    )  # fmt: skip
    assert machine.ran[-1] == ("task_b", periods()[1])
    assert machine.last.train.lr_schedule == run.train.lr_schedule
    assert machine.last.of_role("test")
    assert read_budget(done["task_b"]).kind == "plateau"


@pytest.mark.parametrize("rule", [{"growth": 1.0}, {"patience": 0}, {"tolerance": -0.1}, {"longest": 0}])
def test_a_rule_that_cannot_end_is_refused(rule) -> None:
    with pytest.raises(ConfigError, match=r"^PlateauRule"):
        PlateauRule(**rule)


def test_lengths_grow_even_from_one_step() -> None:
    assert PlateauRule().lengths(1, 1) == (1, 2, 3, 4)
    assert PlateauRule().lengths(500, 1) == (500,)


def test_a_run_in_periods_is_the_run_without_a_stop(tmp_path) -> None:
    def train(run, folder, /, *, resume):
        return run_training(run, folder, resume=resume, device="cpu", show=False, baselines=False)

    # No tolerance would end it sooner: all four lengths are trained.
    find(train, tmp_path / "periods", patience=9)
    lengths = periods()
    state = read_json(tmp_path / "periods" / "length.json")
    assert state["lengths"] == list(lengths)
    at_once = single_task(run_of(), "task_b", steps=lengths[-1])
    config = dataclasses.replace(at_once.train, lr_schedule=Constant(warmup=state_warmup(lengths[0])), evaluate_every=0)
    report = train(dataclasses.replace(at_once, train=config), tmp_path / "at-once", resume=False)
    in_periods, whole = (
        read_weights(step_folder(folder, lengths[-1])) for folder in (tmp_path / "periods/length", tmp_path / "at-once")
    )
    assert all(torch.equal(in_periods[name], whole[name]) for name in whole)
    assert report.step == lengths[-1]


def state_warmup(first):
    return constant_after_warmup(run_of().train.lr_schedule, first).warmup
