"""`motet train --minutes`: a time becomes settings of the run."""

from __future__ import annotations

import json


def test_minutes_become_steps_and_a_continued_run_keeps_them(motet, recipe, tmp_path, monkeypatch):
    given = []

    def fit(run, seconds, *, device):
        given.append(seconds)
        return 6

    monkeypatch.setattr("motet.training.time_budget.steps_within", fit)
    place = tmp_path / "run"
    ran = motet("train", recipe, "--folder", place, "--minutes", "2")
    assert ran.code == 0, ran.err
    assert given == [120]
    assert "6 steps fit into 2 min" in ran.out
    record = json.loads((place / "run.json").read_text())
    assert "train.steps=6" in record["origin"]["settings"]
    assert json.loads((place / "report.json").read_text())["step"] == 6
    ran = motet("train", recipe, "--folder", place, "--minutes", "2", "--resume")
    assert ran.code == 0, ran.err
    assert given == [120]
    assert motet("train", recipe, "--minutes", "0").code == 2
