"""`motet tune`: the study's folder, the best trial as a recipe, and refused arguments."""

from __future__ import annotations

import json

import pytest

from motet.config.recipe_files import load_recipe

pytest.importorskip("optuna")


def test_the_best_trial_is_a_recipe_with_its_settings(motet, recipe, tmp_path, monkeypatch) -> None:
    times = iter(range(0, 10**6, 7))
    monkeypatch.setattr("motet.experiments.tune.time.monotonic", lambda: next(times))
    place = tmp_path / "study"
    ran = motet("tune", recipe, "--minutes", "1", "--folder", place, "--set", "train.steps=2", "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["trials"][0]["settings"] == []
    assert said["recipe"] == str(place / "grey_recipe_tuned.py")
    assert (place / "study.jsonl").is_file()
    run, base = load_recipe(said["recipe"]), load_recipe(str(recipe))
    assert run.train.steps == 2
    assert [task.name for task in run.tasks] == [task.name for task in base.tasks]
    assert (run.train.lr == base.train.lr) == (not said["best"]["settings"])
    assert not list(place.glob("trials/*/predictions.jsonl"))  # no test row was evaluated


def test_what_cannot_be_searched_is_one_line(motet, recipe, tmp_path) -> None:
    assert "--minutes: got 0" in motet("tune", recipe, "--minutes", "0", "--folder", tmp_path / "a").err
    ran = motet("tune", recipe, "--minutes", "1", "--folder", tmp_path / "b", "--set", "train.lrr=2")
    assert ran.code == 2
    assert "did you mean 'lr'" in ran.err
