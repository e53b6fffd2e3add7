"""The baselines as a grid: every run once, in any process, and then nothing is left for the comparison to train."""

from __future__ import annotations

import json

import pytest
from toy_baselines import Machine, run

from motet.core import Report, Result
from motet.experiments.baseline_grid import BaselineGrid
from motet.experiments.baselines import train_baselines
from motet.experiments.lr_search import FACTORS, JOINT, best_multi_task
from motet.experiments.run_grid import HERE, Here, check_finished
from motet.report.budget import read_budget


def grid(folder, machine, one=None, **given):
    return BaselineGrid(
        run_of_all=one or run(), folder=folder, train_run=machine.execute, tasks=["kind", "caption"], **given
    )


def test_its_runs_are_those_of_the_comparison(tmp_path):
    plain, parted = Machine(best=0.03), Machine(best=0.03)
    train_baselines(run(), tmp_path / "a", train_run=plain.execute, log=str)
    Here(jobs=3).run(grid(tmp_path / "b", parted), log=str)
    assert sorted(parted.ran) == sorted(plain.ran)
    check_finished(grid(tmp_path / "b", parted))
    for task in ("kind", "caption"):
        for name in ("report.json", "weights", "budget.json"):
            assert (tmp_path / "a" / task / name).read_bytes() == (tmp_path / "b" / task / name).read_bytes()
    again = Machine(best=0.03)
    train_baselines(run(), tmp_path / "b", train_run=again.execute, log=str)
    assert again.ran == []


def test_a_final_run_comes_after_its_search(tmp_path):
    cells = {cell.name: cell.after for cell in grid(tmp_path, Machine(0.03), match="plateau").cells}
    rates = tuple(f"kind, learning rate {factor * 0.01:g}" for factor in FACTORS)
    assert cells["kind, length"] == ()
    assert cells[rates[0]] == ("kind, length",)
    assert sorted(cells["kind"]) == sorted(("kind, length", *rates))


def test_without_a_search_or_val_rows_there_is_one_cell_per_task(tmp_path):
    machine = Machine(0.03)
    assert [cell.name for cell in grid(tmp_path, machine, search="none").cells] == ["kind", "caption"]
    blind = grid(tmp_path, machine, run(roles=("train", "test")))
    assert [cell.name for cell in blind.cells] == ["kind", "caption"]


def test_the_scores_of_the_search_are_said(tmp_path):
    lines = []
    HERE.run(grid(tmp_path, Machine(best=0.03)), log=lines.append)
    assert lines[0] == "baselines: 8 runs, 0 finished"
    assert "kind alone, learning rate 0.03: m 80.0 % on val" in lines


def test_another_budget_in_the_folder_is_not_finished(tmp_path):
    HERE.run(grid(tmp_path, Machine(0.03), search="none"), log=str)
    assert read_budget(tmp_path / "kind").kind == "rows"
    other = grid(tmp_path, Machine(0.03), search="none", match="steps")
    assert not any(other.finished(cell) for cell in other.cells)


def joint_report(folder, one, value, role="val"):
    results = tuple(
        Result(task=task.name, source="s", metric="m", value=value, unit="%", higher_is_better=True, count=9)
        for task in one.tasks
    )
    report = Report(step=one.train.steps, role=role, results=results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("report-val.json" if role == "val" else "report.json")).write_text(json.dumps(report.to_dict()))
    return report


def test_the_multi_task_run_is_searched_in_the_same_grid(tmp_path):
    machine, joint = Machine(best=0.03), []

    def train_run(one, folder, /, *, resume):
        if len(one.tasks) == 1:
            return machine.execute(one, folder, resume=resume)
        joint.append((one.train.lr, "test" if one.of_role("test") else "val"))
        return joint_report(folder, one, 70.0 + one.train.lr, "test" if one.of_role("test") else "val")

    joint_report(tmp_path / "run", run(), 70.0)
    whole = BaselineGrid(
        run_of_all=run(), folder=tmp_path / "single", train_run=train_run, tasks=["kind", "caption"],
        multi_task=tmp_path / "run",
    )  # fmt: skip
    HERE.run(whole, log=str)
    assert {cell.name for cell in whole.cells if JOINT in cell.name} == {
        f"{JOINT}, learning rate {factor * 0.01:g}" for factor in FACTORS if factor != 1
    }
    assert sorted(joint) == [(pytest.approx(0.01 / 3), "val"), (pytest.approx(0.03), "val")]
    rates = [factor * 0.01 for factor in FACTORS]
    best = best_multi_task(run(), tmp_path / "run", tmp_path / "single", rates, train_run=train_run, log=str)
    assert best.name == "lr-0.03"
    assert joint[2:] == [(pytest.approx(0.03), "test")], "only the evaluation of the best is left"
