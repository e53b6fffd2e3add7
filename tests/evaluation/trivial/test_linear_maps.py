"""The linear probe of maps: better than a constant for every unit, fitted to known places alone, and never without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from coloured_squares import TASKS, TWO_CHANNELS, Squares, reading

from motet.core import Task
from motet.data.source import Source
from motet.evaluation import evaluate, with_trivial_baselines
from motet.evaluation.trivial.constant_answers import AnnotatedRows, constant_baselines, score
from motet.evaluation.trivial.linear_maps import LinearMapProbe


def rows(task: Task, count: int, seed: int = 0) -> AnnotatedRows:
    reader = Squares(count, seed)
    return [(reader[place], task.annotation_of(reader[place])) for place in range(count)]


@pytest.mark.parametrize(("task", "kind"), [
    (TASKS["segment"], "logistic"), (TASKS["depth"], "ridge"), (TASKS["normals"], "ridge"),
    (TASKS["edges"], "logistic"), (TWO_CHANNELS, "logistic"),
])  # fmt: skip
def test_it_tells_what_a_place_shows(task: Task, kind: str) -> None:
    torch.manual_seed(0)
    system = reading(task).eval()
    train, held_out = rows(task, 24), rows(task, 6, seed=1)
    probe = LinearMapProbe.fit(system, task, train)
    assert probe is not None
    assert probe.about.startswith(f"linear probe of {task.name}: {kind} regression on 29 features of ")
    maps = probe.predict([example for example, _ in held_out])
    assert all(one.values.shape[:2] == (32, 32) for one in maps)
    found, constant = score(task, held_out, maps), constant_baselines(task, train, held_out)
    higher = task.metrics[0]().higher_is_better
    assert all((found > value) is higher for value in constant.values())
    middle = np.stack([one.values[4::8, 4::8] for one in maps])  # the centres of the squares
    truth = np.stack([annotation[4::8, 4::8] for _, annotation in held_out])
    if task.name == "segment":
        assert (middle == truth)[truth >= 0].mean() > 0.95
    elif task.name == "edges":
        assert ((middle > 0.5) == (truth > 0.5)).mean() > 0.9
    else:
        assert np.abs(middle - truth).mean() < 0.3


def test_the_same_seed_gives_the_same_probe_and_one_image_none() -> None:
    system, task = reading(TASKS["depth"]).eval(), TASKS["depth"]
    first, second = (LinearMapProbe.fit(system, task, rows(task, 8), seed=3) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.model.weights, second.model.weights)
    assert LinearMapProbe.fit(system, task, rows(task, 1)) is None
    assert LinearMapProbe.fit(reading(task, linear=None).eval(), task, rows(task, 8)) is None


def test_a_report_has_it_for_maps() -> None:
    task = TASKS["segment"]
    torch.manual_seed(0)
    system = reading(task).eval()
    train = Source(name="squares", reader=Squares(16), tasks=(task,))
    test = Source(name="squares/test", reader=Squares(4, 1), tasks=(task,), role="test")
    report = evaluate(system, (test,), batch_size=4, role="test")
    full = with_trivial_baselines(report, system, (train,), (test,), batch_size=4)
    found = full.trivial_baselines["segment"]
    assert found["linear probe"] > 80 > found["mean map"]
    assert any(note.startswith("linear probe of segment: logistic") for note in full.notes)
