"""A source refuses what a run could not use."""

import dataclasses
from typing import Any

import pytest
from toys import ToyReader, label_task

from motet.core import ConfigError
from motet.data.source import Source

SOURCE = Source(name="s", reader=ToyReader("s", 3), tasks=(label_task("t"),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ()}, "Source 's': tasks: got none"),
        ({"reader": ToyReader("s", 0)}, "Source 's': reader: got no rows"),
        ({"role": "val", "compose": lambda reader, index, rng: reader[index]}, "compose: .*role 'val'; want it with"),
        ({"weight": 0.0}, "weight: got 0.0; want a positive number"),
    ],
)
def test_what_a_run_cannot_use_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(SOURCE, **changes)


def test_changes_are_allowed_where_one_task_allows_them() -> None:
    strict, free = label_task("t"), label_task("u", invariant=frozenset({"hflip"}))
    assert not SOURCE.allows_changes
    assert dataclasses.replace(SOURCE, tasks=(strict, free)).allows_changes
