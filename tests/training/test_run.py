"""A run checks its parts when it is made, in words that tell what to hand in instead."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from toys import ToyConfig, label_task, toy_run

from motet.core import ConfigError
from motet.training.run import Features, Run, TaskSubset

RUN = toy_run()


def test_tasks_come_once_each_in_order_of_the_training_sources() -> None:
    assert [task.name for task in RUN.tasks] == ["task_a", "task_b"]
    turned = dataclasses.replace(RUN, sources=RUN.sources[::-1])
    assert [task.name for task in turned.tasks] == ["task_b", "task_a"]


def test_sources_are_found_by_role_in_order() -> None:
    assert [source.name for source in RUN.of_role("train")] == ["a", "b"]
    assert [source.name for source in RUN.of_role("val")] == ["a/val", "b/val"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": RUN.sources[0]}, "Run.sources: got a Source; want a tuple of Source"),
        ({"sources": ("a",)}, "Run.sources: got the text 'a' among them; want Source"),
        ({"sources": ()}, "Run.sources: got none of role 'train'; want at least one"),
        ({"sources": RUN.of_role("val")}, "Run.sources: got none of role 'train'"),
        ({"sources": (*RUN.sources, RUN.sources[0])}, r"got the names \['a'\] more than once"),
        ({"system": nn.Linear(1, 1)}, "Run.system: got a Linear, a built model"),
        ({"system": ToyConfig}, "Run.system: got the class ToyConfig itself; want the configuration of a system"),
        ({"system": "unit"}, "Run.system: got the text 'unit'"),
        ({"schedule": None}, "Run.schedule: got a NoneType; want a schedule"),
        ({"train": 30}, r"Run.train: got a int; want TrainConfig\(steps=\.\.\.\)"),
    ],
)
def test_a_part_of_another_kind_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(RUN, **changes)


def test_a_task_that_is_evaluated_must_be_trained() -> None:
    stray = dataclasses.replace(RUN.of_role("val")[0], tasks=(label_task("task_z"),))
    with pytest.raises(ConfigError, match=r"Source 'a/val' \(val\): got the task 'task_z'; want one that is trained"):
        dataclasses.replace(RUN, sources=(*RUN.of_role("train"), stray))


def test_two_tasks_of_one_name_must_be_equal() -> None:
    other = dataclasses.replace(label_task("task_a"), inputs=frozenset({"image", "text"}))
    source = dataclasses.replace(RUN.sources[1], tasks=(other,))
    with pytest.raises(ConfigError, match="got two different tasks called 'task_a'"):
        dataclasses.replace(RUN, sources=(RUN.sources[0], source))


def test_features_are_stored_only_where_asked_for_and_some_task_has_an_image() -> None:
    assert not RUN.stores_features
    stored = dataclasses.replace(RUN, features=Features(Path("store")))
    assert stored.stores_features == any(task.inputs & {"image", "video"} for task in RUN.tasks)
    words = tuple(
        dataclasses.replace(
            source, tasks=tuple(dataclasses.replace(t, inputs=frozenset({"text"})) for t in source.tasks)
        )
        for source in RUN.sources
    )
    assert not dataclasses.replace(stored, sources=words).stores_features


def test_only_parts_with_restrict_are_task_subsets() -> None:
    class Restricted:
        def restrict(self, tasks: Any, sources: Any) -> Any:
            return self

    assert isinstance(Restricted(), TaskSubset)
    assert not isinstance(RUN.train, TaskSubset)
    assert isinstance(RUN, Run)
