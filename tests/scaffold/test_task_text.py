"""Names of task functions and annotations are those of `motet.tasks`, and cover every kind that `motet init` knows."""

from __future__ import annotations

import inspect

import pytest

import motet.tasks
from motet.scaffold.init import _WORDS_OF_KIND
from motet.scaffold.task_text import LABELS, TASK_MAKERS


def test_every_kind_has_a_function_and_a_name() -> None:
    assert set(_WORDS_OF_KIND) | {"sentences"} == set(TASK_MAKERS)
    assert set(LABELS) | {"classification"} == set(TASK_MAKERS)


@pytest.mark.parametrize("kind", sorted(TASK_MAKERS))
def test_every_function_is_public_in_motet_tasks(kind: str) -> None:
    assert callable(getattr(motet.tasks, TASK_MAKERS[kind].partition(" as ")[0]))


@pytest.mark.parametrize("kind", sorted(set(LABELS) - {"sentences"}))
def test_the_default_annotation_is_the_one_of_the_function(kind: str) -> None:
    maker = getattr(motet.tasks, TASK_MAKERS[kind].partition(" as ")[0])
    assert inspect.signature(maker).parameters["label"].default == LABELS[kind]
