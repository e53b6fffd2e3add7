"""Verdicts in words: against the single-task model and every trivial baseline, and what to do."""

import json

import pytest

from motet.core import ConfigError, rng_for
from motet.report import Content, compare, read_run
from motet.report.budget import BaselineBudget, write_budget
from motet.report.pages.run import page
from motet.report.tables import comparison_rows
from motet.report.verdict import num_images_needed, rise_of, verdicts


def written(folder, values, *, noise=0.5, images="same"):
    """Adds the bootstraps of a run's tasks."""
    rng = rng_for("draws", *sorted(values.items()))
    lines = [
        {"task": task, "source": f"{task}/val", "metric": "accuracy", "images": images,
         "values": (value + noise * rng.normal(size=1000)).tolist()}
        for task, value in values.items()
    ]  # fmt: skip
    (folder / "bootstraps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_run(folder)


@pytest.fixture
def compared(made_run, tmp_path):
    def make(joint, single, seeds=1, noise=0.5):
        multi = [written(made_run(tmp_path / f"j{s}", joint, seed=s), joint, noise=noise) for s in range(seeds)]
        alone = [
            written(made_run(tmp_path / f"{task}-{s}", {task: value}, seed=s), {task: value}, noise=noise)
            for s in range(seeds)
            for task, value in single.items()
        ]
        return multi[0], compare([*multi, *alone])

    return make


def test_each_task_has_its_claim_and_the_number_of_seeds_beside_it(compared) -> None:
    run, comparison = compared({"pets": 66.0, "cows": 50.0, "hens": 44.0}, {"pets": 60.0, "cows": 50.0, "hens": 50.0})
    pets, cows, hens = verdicts(run, comparison)
    assert (pets.claim, cows.claim, hens.claim) == ("better", "no difference", "worse")
    assert (
        "better than its single-task model at equal rows (200 steps): 66.0 against 60.0 % (difference +6.0" in pets.text
    )
    assert "from 1 seed a side" in pets.text
    assert "train it apart" in hens.text
    assert "above every trivial baseline" in pets.text


def test_three_seeds_a_side_need_no_word(compared) -> None:
    run, comparison = compared({"pets": 66.0, "cows": 50.0}, {"pets": 60.0, "cows": 50.0}, seeds=3)
    assert "seed a side" not in verdicts(run, comparison)[0].text
    assert "over images and seeds" in verdicts(run, comparison)[0].text


def test_a_score_below_a_trivial_baseline_is_said(compared) -> None:
    run, comparison = compared({"pets": 30.0, "cows": 50.0}, {"pets": 29.0, "cows": 50.0})
    assert "not above the trivial baseline 'image shuffled' (30.0 against 30.2 %)" in verdicts(run, comparison)[0].text


def test_few_images_and_no_interval_allow_no_claim(made_run, tmp_path) -> None:
    joint = read_run(made_run(tmp_path / "j", {"pets": 66.0, "cows": 50.0}))
    alone = [read_run(made_run(tmp_path / task, {task: value})) for task, value in (("pets", 20.0), ("cows", 50.0))]
    first, _ = verdicts(joint, compare([joint, *alone]))
    assert first.claim == "no claim"
    assert "no interval, so no claim" in first.text
    assert verdicts(joint)[0].claim == "no claim"


def test_more_images_are_asked_for_where_they_would_show_it(compared) -> None:
    _, comparison = compared({"pets": 50.5, "cows": 50.0}, {"pets": 50.0, "cows": 50.0}, noise=2.0)
    pair = comparison.pairs[0]
    needed = num_images_needed(pair)
    assert needed is not None
    assert pair.difference.low is not None
    assert pair.difference.high is not None
    half = (pair.difference.high - pair.difference.low) / 2
    assert needed == pytest.approx(250 * (half / 0.5) ** 2, abs=1)


def test_a_curve_that_still_rises_is_told() -> None:
    assert rise_of([(1, 9.0), (2, 8.0), (3, 7.0), (4, 5.0)], higher_is_better=False) == 2.0
    assert rise_of([(1, 9.0), (2, 8.0), (3, 7.0), (4, 5.0)], higher_is_better=True) is None
    assert rise_of([(1, 1.0), (2, 2.0)], higher_is_better=True) is None


def test_the_page_begins_with_it(compared) -> None:
    run, comparison = compared({"pets": 66.0, "cows": 50.0}, {"pets": 60.0, "cows": 50.0})
    html = page(Content("run", run, comparison))
    assert html.index("Verdict") < html.index(">Results<")
    assert "better than its single-task model" in html


def test_a_gain_that_longer_training_takes_away_is_called_one_of_training_time(made_run, tmp_path) -> None:
    joint = written(made_run(tmp_path / "j", {"pets": 66.0, "cows": 50.0}), {"pets": 66.0, "cows": 50.0})
    alone = []
    for kind, pets in (("rows", 60.0), ("plateau", 66.0)):
        for task, value in {"pets": pets, "cows": 50.0}.items():
            folder = made_run(tmp_path / f"{task}-{kind}", {task: value})
            write_budget(folder, BaselineBudget(kind))
            alone.append(written(folder, {task: value}))
    comparison = compare([joint, *alone])
    first, _ = verdicts(joint, comparison)
    assert (comparison.budget, [one.budget for one in comparison.others]) == ("rows", ["plateau"])
    assert "better than its single-task model at equal rows (200 steps)" in first.text
    assert "no difference from its single-task model trained until it stops rising (200 steps) is shown" in first.text
    assert "its gain is one of training time" in first.text
    # Four comparisons share the 5 %, so each interval is wider than where two do.
    alone_at_rows = compare([joint, *alone[:2]])
    shared, own = (one.pairs[0].difference for one in (comparison, alone_at_rows))
    assert shared.low < own.low
    assert comparison_rows(comparison)[3][-1] == "trained until it stops rising (200 steps)"
    assert "trained until it stops rising" in page(Content("t", joint, comparison))


def test_a_budget_with_some_tasks_comes_after_one_with_all(made_run, tmp_path) -> None:
    joint = read_run(made_run(tmp_path / "j", {"pets": 66.0, "cows": 50.0}))
    folders = {(task, kind): made_run(tmp_path / f"{task}-{kind}", {task: 40.0}) for task, kind in
               (("pets", "plateau"), ("cows", "plateau"), ("pets", "rows"))}  # fmt: skip
    for (_, kind), folder in folders.items():
        write_budget(folder, BaselineBudget(kind, still_rises=kind == "plateau"))
    comparison = compare([joint, *map(read_run, folders.values())])
    assert (comparison.budget, [one.budget for one in comparison.others]) == ("plateau", ["rows"])
    assert "trained for 200 steps, where it still rises" in verdicts(joint, comparison)[0].text
    with pytest.raises(ConfigError, match="got no single-task run of cows"):
        compare([joint, read_run(folders["pets", "rows"])])
