"""Batches of one task: different rows, reproducible from any start, from training sources only."""

import dataclasses

import pytest
from toys import label_task, toy_sources, toy_system

from motet.analysis.task_batches import TaskBatches
from motet.core import ConfigError


def ids(batches: TaskBatches, start: int, stop: int) -> list[tuple[str, ...]]:
    return [batch.ids for batch in batches.take(start, stop)]


def drawn(sources, task="task_a", **more) -> TaskBatches:
    return TaskBatches(toy_system(sources), sources, task, batch_size=2, **more)


def test_no_row_is_repeated_within_a_pass() -> None:
    rows = [row for batch in ids(drawn(toy_sources(10, 4)), 0, 5) for row in batch]
    assert len(set(rows)) == 10
    assert all(row.startswith("a/") for row in rows)


def test_batches_are_the_same_from_any_start_and_differ_by_seed() -> None:
    sources = toy_sources(12)
    whole = ids(drawn(sources), 0, 4)
    assert ids(drawn(sources), 2, 4) == whole[2:]
    assert ids(drawn(sources, seed=1), 0, 4) != whole


def test_sources_of_a_task_are_drawn_by_size() -> None:
    one, other = toy_sources(90, 10)
    sources = [one, dataclasses.replace(other, tasks=(label_task("task_a"),))]
    batches = drawn(sources)
    counts = [sum(row.startswith(name) for batch in ids(batches, 0, 60) for row in batch) for name in ("a/", "b/")]
    assert counts[1] > 0
    assert counts[0] > 4 * counts[1]
    passes = batches.epochs(60)
    assert passes["a"] == pytest.approx(counts[0] / 90)
    assert passes["b"] == pytest.approx(counts[1] / 10)


def test_only_training_sources_count() -> None:
    train, held_out = toy_sources(6, 6)
    sources = [train, dataclasses.replace(held_out, role="test")]
    with pytest.raises(ConfigError, match="task 'task_b': got no training source with it; want one with the task"):
        drawn(sources, "task_b")
