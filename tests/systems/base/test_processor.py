"""The shared half of a processor, by a toy one: tasks drawn, rows grouped by task, annotations kept or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from toys import label_task

from motet.core import ConfigError, DataError, Example, MemoryImage, Task, rng_for
from motet.systems.base import BaseProcessor, Entry, Row

TASKS = tuple(replace(label_task(name), label=name) for name in ("one", "two", "three"))


class Half:
    """An image half that records the store it was given."""

    def __init__(self, store=None) -> None:
        self.store = store

    def collate(self, images) -> dict[str, torch.Tensor]:
        return {"sums": torch.tensor([float(image.sum()) for image in images])}

    def with_store(self, store) -> "Half":
        return Half(store)

    def view(self, image, index: int) -> np.ndarray:
        return np.full(2, index)

    def view_changes(self, index: int) -> frozenset[str]:
        return frozenset({"hflip"} if index else ())

    def view_key(self) -> str:
        return "half"


@dataclass(frozen=True)
class Toy(BaseProcessor[Row[Entry], Entry]):
    """A row's image is its index; a target's value holds what `value` was given."""

    images: Half | None

    def encode(self, example: Example, tasks: Sequence[Task], rng) -> Row[Entry]:
        entries = tuple(
            Entry(
                task=task.name,
                value=example.labels.get(task.label, -1),
                annotated=task.label in example.labels,
                annotation=example.labels.get(task.label),
            )
            for task in tasks
        )
        return Row(id=example.id, entries=entries, image=np.full(3, int(example.id)))

    def value(self, entries, indices, rows) -> list[tuple[int, int, int]]:
        return [(entry.value, index, len(rows)) for entry, index in zip(entries, indices, strict=True)]


class Lenient(Toy):
    """Takes the annotated entries alone, and all tasks of a row."""

    def chosen(self, tasks, rng):
        return tasks

    def entries_of(self, row, *, keep_annotations: bool):
        return [entry for entry in row.entries if entry.annotated or not keep_annotations]


def example(number: int, **labels: int) -> Example:
    return Example(id=str(number), labels=labels)


def test_training_draws_one_task_and_evaluation_takes_all() -> None:
    toy = Toy(Half())
    drawn = {toy.row(example(0), TASKS, rng_for("draw", key)).entries[0].task for key in range(40)}
    assert drawn == {"one", "two", "three"}
    assert {len(toy.row(example(0), TASKS, rng_for("draw", key)).entries) for key in range(9)} == {1}
    assert [entry.task for entry in toy.row(example(0), TASKS, None).entries] == ["one", "two", "three"]


def test_one_task_costs_no_draw() -> None:
    rng, untouched = rng_for("draw"), rng_for("draw")
    assert Toy(None).chosen(TASKS[:1], rng) == TASKS[:1]
    assert rng.integers(1_000_000) == untouched.integers(1_000_000)


def test_chosen_says_how_many_tasks_a_row_carries() -> None:
    assert len(Lenient(None).row(example(0), TASKS, rng_for("draw")).entries) == 3


def test_a_batch_groups_entries_by_task_in_the_order_they_are_met() -> None:
    toy = Toy(Half())
    rows = [
        toy.encode(example(4, two=7), TASKS[1:2], None),
        toy.encode(example(5, one=1, two=2), TASKS[:2], None),
    ]
    batch = toy.collate(rows, keep_annotations=True)
    assert batch.ids == ("4", "5")
    assert batch.inputs["sums"].tolist() == [12, 15]
    assert list(batch.targets) == ["two", "one"]
    assert batch.targets["two"].rows.tolist() == [0, 1]
    assert batch.targets["two"].value == [(7, 0, 2), (2, 1, 2)]
    assert batch.targets["two"].annotations == (7, 2)
    assert batch.targets["one"].value == [(1, 1, 2)]
    assert toy.collate(rows, keep_annotations=False).targets["two"].annotations == ()


def test_a_missing_annotation_is_refused_only_where_it_is_kept() -> None:
    toy = Toy(Half())
    rows = [toy.row(example(0, one=1), TASKS[:2], None)]
    assert set(toy.collate(rows, keep_annotations=False).targets) == {"one", "two"}
    with pytest.raises(DataError, match="0: task 'two': got no annotation; want one in every row that is evaluated"):
        toy.collate(rows, keep_annotations=True)


def test_entries_of_says_which_entries_a_batch_takes() -> None:
    lenient = Lenient(Half())
    rows = [lenient.row(example(0, one=1), TASKS, None), lenient.row(example(1, one=1, two=2), TASKS, None)]
    kept = lenient.collate(rows, keep_annotations=True).targets
    assert {name: target.rows.tolist() for name, target in kept.items()} == {"one": [0, 1], "two": [1]}
    assert set(lenient.collate(rows, keep_annotations=False).targets) == {"one", "two", "three"}


def test_views_and_stored_features_are_those_of_the_image_half() -> None:
    toy, image = Toy(Half()), MemoryImage("a.png", b"")
    assert toy.view(image, 2).tolist() == [2, 2]
    assert toy.view_changes(1) == {"hflip"}
    assert toy.view_key() == "half"
    store = object()
    assert toy.with_features(store).images.store is store
    assert toy.images.store is None


def test_without_an_image_half_there_are_no_inputs_and_no_views() -> None:
    toy = Toy(None)
    batch = toy.collate([toy.row(example(0, one=1), TASKS[:1], None)], keep_annotations=True)
    assert batch.inputs == {}
    assert toy.with_features(object()) is toy
    with pytest.raises(ConfigError, match="Toy: got no task that sees an image; want one"):
        toy.view_key()
