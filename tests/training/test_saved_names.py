"""All that motet's tables and recipes may name can be read back, and a function of motet's only as a loss."""

from __future__ import annotations

import dataclasses
from types import FunctionType

import pytest

from motet.config.recipe_files import load_recipe
from motet.core import CheckpointError
from motet.core.codec import from_json, to_json
from motet.data.negatives import thumbnail_feature
from motet.data.readers import READERS
from motet.data.schedules import SCHEDULES
from motet.metrics import METRICS
from motet.systems import SYSTEMS
from motet.tasks import TASKS
from motet.training.balancers import BALANCERS, CRMOGM, CAGrad
from motet.training.balancers.measured import MeasuredAffinity
from motet.training.saved_names import ANSWER_FORMS, LOSSES, saved_names


def test_every_row_of_the_tables_is_known() -> None:
    known = set(saved_names().known.values())
    assert known >= {*METRICS.values(), *READERS.values(), *SCHEDULES.values(), *SYSTEMS, *LOSSES}


def test_only_losses_forms_of_answers_and_a_feature_are_functions_and_all_else_is_a_metric_or_a_frozen_dataclass() -> (
    None
):
    for name, thing in saved_names().known.items():
        if isinstance(thing, FunctionType):
            assert thing in (*LOSSES, *ANSWER_FORMS, thumbnail_feature), name
        elif thing not in METRICS.values():
            assert dataclasses.is_dataclass(thing), name
            assert thing.__dataclass_params__.frozen, name
        assert f"{thing.__module__}:{thing.__qualname__}" == name


@pytest.mark.parametrize("name", TASKS)
def test_a_task_of_the_table_comes_back(name: str) -> None:
    assert from_json(to_json(TASKS[name]), saved_names()) == TASKS[name]


@pytest.mark.parametrize(
    "name", ["lit_decoder:tiny", "unit:tiny", "twelve_in_one:tiny", "uni_perceiver:tiny", "vit_adapters:tiny"]
)
def test_a_recipe_has_no_part_that_could_not_be_read_back(name: str) -> None:
    run = load_recipe(name)
    data = to_json(run)
    saved_names().check(data)
    again = from_json(data, saved_names())
    assert (again.system, again.schedule, again.train, again.tasks) == (run.system, run.schedule, run.train, run.tasks)
    assert [source.reader for source in again.sources] == [source.reader for source in run.sources]


def test_a_function_that_starts_programs_is_no_metric() -> None:
    task = to_json(TASKS["cifar10"]) | {"metrics": [{"reference": "motet.training.run_training:subprocess.run"}]}
    with pytest.raises(CheckpointError, match="in none of motet's tables"):
        from_json(task, saved_names())


@pytest.mark.parametrize("name", BALANCERS)
def test_every_balancer_comes_back_from_a_saved_run(name: str) -> None:
    balancer = BALANCERS[name]({"task_a": 0.5}) if name == "Weighted" else BALANCERS[name]()
    for value in (balancer, MeasuredAffinity(balancer, every=7), CRMOGM(CAGrad(c=0.1), alpha=0.5)):
        assert from_json(to_json(value), saved_names()) == value
