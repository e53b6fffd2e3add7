"""Names of task functions and annotations are those of `motet.tasks`, and cover every kind that `motet init` knows."""

from __future__ import annotations

import inspect

import pytest

import motet.tasks
from motet.scaffold.plan_tasks import WORDS_OF_KIND
from motet.scaffold.task_text import LABELS, TASK_MAKERS


def test_every_kind_has_a_function_and_a_name() -> None:
    assert set(WORDS_OF_KIND) | {"sentences"} == set(TASK_MAKERS)
    assert set(LABELS) | {"classification"} == set(TASK_MAKERS)


@pytest.mark.parametrize("kind", sorted(TASK_MAKERS))
def test_every_function_is_public_in_motet_tasks(kind: str) -> None:
    assert TASK_MAKERS[kind].load() is getattr(motet.tasks, TASK_MAKERS[kind].name)
    assert callable(TASK_MAKERS[kind].load())


@pytest.mark.parametrize("kind", sorted(set(LABELS) - {"sentences"}))
def test_the_default_annotation_is_the_one_of_the_function(kind: str) -> None:
    assert inspect.signature(TASK_MAKERS[kind].load()).parameters["label"].default == LABELS[kind]
