"""Counts by hand on a few rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motet.core import BoxSet, DataError, Example
from motet.data.counts import Counts
from motet.data.source import Source
from motet.data.stats import TaskStats, stats
from motet.tasks import classification, detection, question_answering

ROWS = (
    ("i0", "is it red ?", {"answers": ("yes", "yes", "no"), "class": 1}),
    ("i0", "how many are there ?", {"answers": ("two of them",), "class": 1}),
    ("i1", "why ?", {"answers": ("no",), "class": 0}),
    ("i2", "", {"class": 1}),
)


@dataclass(frozen=True)
class Rows:
    def __len__(self):
        return len(ROWS)

    def keys(self, index):
        return (ROWS[index][0],)

    def __getitem__(self, index):
        image, text, labels = ROWS[index]
        return Example(id=f"r{index}", image_ids=(image,), text=text, labels=labels)


def test_rows_images_answers_and_words():
    tasks = (question_answering("vqa"), classification("kind", ("cat", "dog")))
    found = stats(Source(name="s", reader=Rows(), tasks=tasks, role="val"))
    assert (found.source, found.role) == ("s", "val")
    assert found.counts == Counts(rows=4, images=3, pairs=4, unique_images=3)
    vqa, kind = found.tasks
    assert vqa == TaskStats(
        task="vqa",
        rows=3,
        different=3,
        most=(("no", 2), ("two of them", 1), ("yes", 1)),
        mean_words=7 / 5,
        max_words=3,
        mean_question_words=(4 + 5 + 2) / 3,
    )
    assert kind == TaskStats(
        task="kind", rows=4, different=2, most=(("dog", 3), ("cat", 1)), mean_words=1.0, max_words=1
    )


def test_boxes_are_counted_by_class():
    class Rows:
        def __len__(self):
            return 2

        def keys(self, index):
            return (f"i{index}",)

        def __getitem__(self, index):
            labels = np.array([1, 1, 0][: 3 - 2 * index])
            boxes = BoxSet(
                np.ones((len(labels), 4)), labels, np.ones(len(labels)), cut=("a", "b")[:index], dropped=("c",)
            )
            return Example(id=f"{index}", labels={"boxes": boxes})

    (found,) = stats(Source(name="s", reader=Rows(), tasks=(detection("find", ("car", "bus")),))).tasks
    assert found.boxes == (("bus", 3), ("car", 1))
    assert found.most == (("bus", 2), ("car", 1))
    assert (found.rows, found.different, found.cut, found.dropped) == (2, 2, 1, 2)


def test_rows_that_cannot_be_read_are_counted():
    class Rows:
        def __len__(self):
            return 3

        def keys(self, index):
            return (f"i{index}",)

        def __getitem__(self, index):
            if index:
                raise DataError("class: got 9", path="a.csv", row=index)
            return Example(id=f"{index}", labels={"class": 1})

    found = stats(Source(name="s", reader=Rows(), tasks=(classification("kind", ("cat", "dog")),)))
    assert (found.broken, found.first_error, found.tasks[0].rows) == (2, "class: got 9 (a.csv, row 1)", 1)
