"""Every truth is held against the kind of answer that is asked, and every picture is read once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from motet.core import BoxSet, DataError, Example, MemoryImage
from motet.core.target import Answer, Boxes, Dense, Label, Masked, Match, Region, Score, Text
from motet.data.check import Problem, annotation_error, problems
from motet.data.clipped_boxes import ClippedBoxes
from motet.data.source import Source
from motet.tasks import captioning, classification, detection

EMPTY = np.zeros(0)


def boxes(*corners, labels=None):
    return BoxSet(np.array(corners, dtype=float).reshape(-1, 4), np.array(labels or [0] * len(corners)), EMPTY)


@pytest.mark.parametrize(
    ("annotation", "target"),
    [
        (1, Label(("a", "b"))),
        (np.int64(0), Label(("a", "b"))),
        (("yes", "no"), Answer()),
        ("yes", Answer(("yes",))),
        (("a dog",), Text(9)),
        (("", "a dog"), Text(9)),
        (boxes((0, 0, 3, 4)), Boxes(("cat",))),
        (boxes(), Boxes(("cat",))),
        (None, Region()),
        ((0, 0, 2, 2), Region()),
        (np.zeros((2, 3)), Dense(1, "metre")),
        (frozenset({1}), Match("texts")),
        (None, Masked("words")),
        (2.5, Score(0, 5)),
    ],
)
def test_an_annotation_that_fits(annotation, target):
    assert annotation_error(annotation, target) is None


@pytest.mark.parametrize(
    ("annotation", "target", "message"),
    [
        (2, Label(("a", "b")), "got class 2; want 0 to 1"),
        (True, Label(("a", "b")), "want the index of a class"),
        ("a", Label(("a", "b")), "got 'a'; want the index of a class"),
        ((), Answer(), "want at least one text that is not empty"),
        ((" ",), Text(9), "want at least one text that is not empty"),
        ((1,), Answer(), "want a text or a list of texts"),
        ([0, 0, 1, 1], Boxes(("cat",)), "got a list; want boxes"),
        (boxes((0, 0, 1, 1), labels=[1]), Boxes(("cat",)), "got classes [1]; want 0 to 0"),
        (boxes((3, 0, 1, 1)), Boxes(("cat",)), "want x0 <= x1"),
        (boxes((0, 0, np.nan, 1)), Boxes(("cat",)), "want four finite numbers"),
        ((0, 1, 2), Region(), "want four finite numbers"),
        ([[1]], Dense(1, "metre"), "got a list; want an array"),
        (frozenset(), Match("texts"), "want at least one right candidate"),
        (9.0, Score(0, 5), "want a number from 0 to 5"),
        (float("nan"), Score(0, 5), "want a number from 0 to 5"),
    ],
)
def test_an_annotation_that_does_not_fit_is_one_sentence(annotation, target, message):
    assert message in annotation_error(annotation, target)


@dataclass(frozen=True)
class Rows:
    labels: tuple
    same_image: bool = False

    def __len__(self):
        return len(self.labels)

    def keys(self, index):
        return ("i0" if self.same_image else f"i{index}",)

    def __getitem__(self, index):
        if self.labels[index] == "broken":
            raise DataError("answers: got 9; want 10", path="a.json", row=index)
        image = MemoryImage(f"image {index}", b"x")
        return Example(id=f"r{index}", images=(image,), image_ids=self.keys(index), labels=self.labels[index])


KIND, CAPTION = classification("kind", ("a", "b")), captioning("caption")


def found(labels, *tasks, **given):
    source = Source(name="s", reader=Rows(labels, **given.pop("rows", {})), tasks=tasks)
    return [problem for problem in problems(source, **given) if problem is not None]


def test_every_bad_row_is_named_and_none_stops_the_rest():
    assert found(({"class": 0}, "broken", {"class": 5}, {"class": 1}), KIND) == [
        Problem("s", 1, "answers: got 9; want 10 (a.json, row 1)"),
        Problem("s", 2, "r2: task 'kind': got class 5; want 0 to 1"),
    ]


def test_a_missing_annotation_is_a_problem_unless_the_rows_are_partly_labelled():
    (problem,) = found(({"captions": ("a",)},), KIND)
    assert "reads the annotation 'class'" in problem.text
    assert found(({"captions": ("a",)}, {"class": 0}), KIND, CAPTION) == []


def test_images_are_read_once_each():
    seen = []

    def decode(image):
        seen.append(image.name)
        if image.name == "image 1":
            raise DataError("image: got 1 byte; want a picture", path=image.name)

    (problem,) = found(({"class": 0}, {"class": 1}), KIND, decode=decode)
    assert problem.row == 1
    assert seen == ["image 0", "image 1"]
    seen.clear()
    assert found(({"class": 0}, {"class": 1}), KIND, decode=decode, rows={"same_image": True}) == []
    assert seen == ["image 0"]


def test_boxes_that_were_cut_are_counted_and_no_problem_of_their_rows():
    annotation = BoxSet(np.array([[0, 0, 1, 1.0]]), np.array([0]), np.ones(1), cut=("a",), dropped=("b",))
    clipped = ClippedBoxes()
    rows = ({"boxes": annotation}, "broken", {"boxes": annotation})
    assert [one.row for one in found(rows, detection("find", ("car",)), clipped=clipped)] == [1]
    assert clipped == ClippedBoxes(boxes=4, cut=2, dropped=2, first="a")


def test_attributes_without_a_word_are_told():
    annotation = BoxSet(np.array([[0, 0, 1, 1.0]]), np.array([0]), np.ones(1), ((0, 2),))
    assert annotation_error(annotation, Boxes(("a",), ("red", "big", "old"))) is None
    assert annotation_error(annotation, Boxes(("a",), ("red", "big"))) == "got attributes [0, 2]; want 0 to 1"
    assert annotation_error(annotation, Boxes(("a",))) is None
