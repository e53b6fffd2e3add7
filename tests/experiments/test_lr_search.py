"""The multi-task side of a comparison: its learning rate is chosen on val rows as that of the baselines is."""

from __future__ import annotations

import json

import pytest
from toys import toy_run

from motet.core import CheckpointError, Report, Result
from motet.experiments.lr_search import best_multi_task, rates_of

LR = toy_run().train.lr


class Machine:
    """Stands for training: every task's val score by learning rate; what was trained is noted."""

    def __init__(self, scores, stop_at=0):
        self.scores, self.ran, self.stop_at = scores, [], stop_at

    def __call__(self, run, folder, /, *, resume):
        role = "test" if run.of_role("test") else "val"
        self.ran.append((pytest.approx(run.train.lr), role))
        if self.stop_at == len(self.ran):
            return Report(step=1)
        if role == "val":
            self.write(run, folder, role, "report-val.json")
        return self.write(run, folder, role)

    def write(self, run, folder, role, name="report.json"):
        values = self.scores[round(run.train.lr / LR, 3)] if role == "val" else (1.0, 1.0)
        results = tuple(
            Result(task=t.name, source="s", metric="m", value=v, unit="%", higher_is_better=True, count=9)
            for t, v in zip(run.tasks, values, strict=True)
        )
        report = Report(step=run.train.steps, role=role, results=results)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(report.to_dict()))
        return report


def searched(tmp_path, machine):
    run, lines = toy_run(), []
    place = tmp_path / "run"
    machine.write(run, place, "test")
    machine.write(run, place, "val", "report-val.json")
    rates = rates_of(run, "lr")
    found = best_multi_task(run, place, tmp_path / "single", rates, train_run=machine, log=lines.append)
    return found, lines


def test_a_better_rate_is_compared_in_the_place_of_the_run(tmp_path):
    machine = Machine({0.333: (50.0, 41.0), 1.0: (60.0, 40.0), 3.0: (63.0, 41.0)})
    found, lines = searched(tmp_path, machine)
    assert found == tmp_path / "single" / "search" / "multi-task" / f"lr-{3 * LR:g}"
    assert machine.ran == [(LR / 3, "val"), (3 * LR, "val"), (3 * LR, "test")]
    assert json.loads((found / "report.json").read_text())["role"] == "test"
    assert any("+3.8 % on val" in line for line in lines)
    again = Machine(machine.scores)
    assert searched(tmp_path, again)[0] == found
    assert again.ran == []


def test_the_run_itself_is_kept_where_no_rate_is_better(tmp_path):
    machine = Machine({0.333: (50.0, 50.0), 1.0: (60.0, 60.0), 3.0: (60.0, 60.0)})
    found, _ = searched(tmp_path, machine)
    assert found == tmp_path / "run"
    assert [role for _, role in machine.ran] == ["val", "val"]


def test_a_stop_goes_on(tmp_path):
    scores = {0.333: (50.0, 41.0), 1.0: (60.0, 40.0), 3.0: (63.0, 41.0)}
    with pytest.raises(CheckpointError, match="call again to go on"):
        searched(tmp_path, Machine(scores, stop_at=2))
    machine = Machine(scores)
    searched(tmp_path, machine)
    assert machine.ran == [(3 * LR, "val"), (3 * LR, "test")]


def test_one_rate_and_none_on_val_search_nothing(tmp_path):
    run = toy_run()
    machine = Machine({1.0: (60.0, 60.0)})
    place = tmp_path / "run"
    machine.write(run, place, "test")
    assert rates_of(run, "none") == (LR,)
    assert rates_of(run, "none", (0.5, 0.1)) == (0.5, 0.1)
    lines = []
    for rates in ((LR,), (LR, 2 * LR)):
        assert best_multi_task(run, place, tmp_path, rates, train_run=machine, log=lines.append) == place
    assert machine.ran == []
    assert lines == ["multi-task: no val rows to choose a learning rate by: its own is kept"]
