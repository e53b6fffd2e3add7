import json
from dataclasses import replace

import numpy as np
import pytest

from motet.evaluation.intervals import Bootstrap
from motet.report import read_run
from motet.report.run_differences import run_differences


@pytest.fixture
def runs(made_run, tmp_path):
    """Two runs whose scores on the same images differ by much in one task and by little in the other."""
    found = {}
    for number, (name, values) in enumerate({"a": (60.0, 12.0), "b": (70.0, 12.1)}.items()):
        run = read_run(
            made_run(tmp_path / name, dict(zip(("pets", "read"), values, strict=True)), metrics={"read": "cer"})
        )
        noise = np.random.default_rng(0).normal(0, 2, 1000)
        own = np.random.default_rng(number + 1).normal(0, 2, 1000)
        drawn = {"pets": Bootstrap(values[0] + noise, "x"), "read": Bootstrap(values[1] + own, "x")}
        found[name] = replace(run, bootstraps=drawn)
    return found


def test_each_run_is_compared_with_the_first_over_the_same_images(runs) -> None:
    differences, refused = run_differences(runs)
    assert refused == ()
    pets, read = differences
    assert (pets.task, pets.run, pets.first, pets.claim) == ("pets", "b", "a", "better")
    assert (pets.difference.value, pets.difference.over) == (pytest.approx(10.0), "images")
    # The images are the same, so their noise cancels.
    assert pets.difference.high - pets.difference.low < 0.1
    assert read.claim == "no difference"
    assert read.difference.value == pytest.approx(-0.1)  # lower is better
    (pets, _), _ = run_differences({"b": runs["b"], "a": runs["a"]})
    assert pets.claim == "worse"


def test_few_images_and_no_interval_allow_no_claim(runs) -> None:
    few = {}
    for name, run in runs.items():
        results = tuple(replace(one, num_images=199) for one in run.report.results)
        few[name] = replace(run, report=replace(run.report, results=results))
    assert [one.claim for one in run_differences(few)[0]] == ["no claim", "no claim"]
    bare = {name: replace(run, bootstraps={}) for name, run in runs.items()}
    assert [one.claim for one in run_differences(bare)[0]] == ["no claim", "no claim"]


def test_other_rows_metrics_and_roles_are_not_compared(runs, made_run, tmp_path) -> None:
    folder = made_run(tmp_path / "c", {"pets": 65.0, "read": 11.0}, metrics={"read": "cider"})
    saved = json.loads((folder / "run.json").read_text())
    saved["data"]["pets/val"]["fingerprint"] = "others"
    (folder / "run.json").write_text(json.dumps(saved))
    differences, refused = run_differences({"a": runs["a"], "c": read_run(folder)})
    assert differences == ()
    assert refused == (
        "pets: c is not compared with a: the rows of pets/val are others",
        "read: c is not compared with a: its metric is cider, not cer",
    )
    other = replace(runs["b"], report=replace(runs["b"].report, role="test"))
    _, refused = run_differences({"a": runs["a"], "b": other})
    assert "it was evaluated on 300 test rows of pets/val, not on 300 val rows of pets/val" in refused[0]
