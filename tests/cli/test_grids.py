"""Each verb that is a grid gives the same numbers from processes of its own as in one process."""

from __future__ import annotations

import json

import pytest

from motet.cli import subprocesses


@pytest.fixture
def apart(motet, monkeypatch):
    """Runs the command line of each cell in this process, and notes it."""
    typed = []

    def run_words(words, log, **rest):
        ran = motet(*words)
        typed.append(words)
        return "" if ran.code == 0 else ran.err

    monkeypatch.setattr(subprocesses, "run_words", run_words)
    return typed


def cells(typed):
    return sorted(word.removeprefix("--only=") for words in typed for word in words if word.startswith("--only="))


def test_baselines(motet, recipe, tmp_path, apart):
    typed = ("baseline", recipe, "--task", "kind", "--lr", "0.1", "--lr", "0.2", "--device", "cpu")
    ran = motet(*typed, "--folder", tmp_path / "a")
    assert ran.code == 0, ran.err
    assert apart == []
    other = motet(*typed, "--folder", tmp_path / "b", "--on", "local:1")
    assert other.code == 0, other.err
    assert cells(apart) == ["kind", "kind, learning rate 0.1", "kind, learning rate 0.2"]
    reports = [json.loads((tmp_path / folder / "kind/report.json").read_text()) for folder in "ab"]
    assert reports[0]["results"] == reports[1]["results"]
    assert "kind alone: " in other.out


def test_a_baseline_that_failed_is_named(motet, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocesses, "run_words", lambda words, log, **rest: "no room")
    ran = motet("baseline", recipe, "--task", "kind", "--search", "none", "--folder", tmp_path / "a", "--part", "1/1")
    assert ran.code == 2
    assert "kind, 0 s: failed: no room" in ran.out
    assert "got no result of kind; want all runs of the grid finished" in ran.err


def test_interference(motet, recipe, tmp_path, apart):
    assert motet("train", recipe, "--folder", tmp_path / "run", "--device", "cpu").code == 0
    typed = (
        "analyse",
        "interference",
        tmp_path / "run",
        "--recipe",
        recipe,
        "--batches",
        2,
        "--batch-size",
        2,
        "--json",
    )
    found = []
    for folder, options in (("a", ()), ("b", ("--on", "local:1"))):
        ran = motet(*typed, "--out", tmp_path / folder, "--device", "cpu", *options)
        assert ran.code == 0, ran.err
        found.append({name: value for name, value in json.loads(ran.out).items() if name != "files"})
    assert cells(apart) == [word for word in cells(apart) if word.startswith("run")]
    assert len(apart) == 1
    assert found[0] == found[1]


def test_tune(motet, recipe, tmp_path, apart, monkeypatch):
    pytest.importorskip("optuna")
    times = iter(range(0, 10**6, 7))
    monkeypatch.setattr("motet.experiments.tune.time.monotonic", lambda: next(times))
    typed = ("tune", recipe, "--minutes", "1", "--set", "train.steps=2", "--device", "cpu", "--json")
    ran = motet(*typed, "--folder", tmp_path / "a", "--on", "local:1")
    assert ran.code == 0, ran.err
    assert cells(apart)[0] == "trial 0"
    trials = json.loads(ran.out)["trials"]
    assert len(trials) == len(apart)
    assert trials[0]["outcome"] == "finished"
