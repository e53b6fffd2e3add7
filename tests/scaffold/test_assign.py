"""Which system of a written recipe answers which tasks: each task once, one model where one can answer them all."""

from __future__ import annotations

import pytest

from motet.data.detect import DetectedDataset
from motet.scaffold.assign import assign, suggestions
from motet.scaffold.task_plan import TaskPlan
from motet.systems import SYSTEMS


def plan_of(kind, name="x"):
    return TaskPlan(name, (DetectedDataset(reader="r", arguments={}, kind=kind, label="l", rows=10, evidence="w"),))


@pytest.mark.parametrize(
    ("kinds", "models"),
    [
        (("captioning", "classification"), {"run": 2}),
        (("detection", "classification", "question answering"), {"run": 3}),
        (("sentences",), {"run": 1}),
        (("visual entailment", "text reading", "classification"), {"run": 2, "unit": 1}),
        (("pairs", "referring", "question answering", "visual entailment"), {"run": 4}),
        (("pointing", "captioning"), {"run": 1, "twelve_in_one": 1}),
        (("verification", "captioning", "detection", "classification"), {"run": 2, "unit": 1, "twelve_in_one": 1}),
    ],
)
def test_every_task_is_in_one_model(kinds, models):
    assert {name: len(of) for name, (_, of) in assign([plan_of(kind) for kind in kinds]).items()} == models


def test_every_suggestion_has_kinds_that_no_other_has() -> None:
    owned = [kind for suggestion in suggestions() for kind in suggestion.own]
    assert len(owned) == len(set(owned))
    assert len(suggestions()) == sum(hasattr(config, "suggestion") for config in SYSTEMS)


def test_what_nobody_has_of_its_own_goes_to_the_last_one() -> None:
    (suggestion, plans) = assign([plan_of("classification")])["run"]
    assert suggestion is suggestions()[-1]
    assert [plan.kind for plan in plans] == ["classification"]
