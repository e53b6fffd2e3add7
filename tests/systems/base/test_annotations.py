"""The annotation of a row for one task, and the text that is masked."""

import pytest

from motet.core import Boxes, DataError, Example, Label, Masked, Match, Region, Task, rng_for
from motet.metrics import Accuracy
from motet.systems.base import annotation_of_row, text_to_mask


def task(target, **changes) -> Task:
    fields = {"name": "t", "inputs": frozenset({"image", "text"}), "label": "x", "metrics": (Accuracy,), **changes}
    return Task(target=target, **fields)


def row(**fields) -> Example:
    return Example(id="e/0", **fields)


CLASS, SPLIT = task(Label(("a", "b"))), task(Match("texts", "split"))


@pytest.mark.parametrize("evaluation", [False, True])
def test_a_row_has_the_annotation_of_its_task(evaluation) -> None:
    assert annotation_of_row(row(labels={"x": 1, "y": 0}), CLASS, evaluation=evaluation) == (True, 1)


def test_only_evaluation_takes_a_row_without_annotation() -> None:
    assert annotation_of_row(row(labels={"y": 0}), CLASS, evaluation=True) == (False, None)
    with pytest.raises(DataError, match=r"e/0: task 't' reads the annotation 'x': got \['y'\]; want it among them"):
        annotation_of_row(row(labels={"y": 0}), CLASS, evaluation=False)


@pytest.mark.parametrize("evaluation", [False, True])
def test_none_is_an_annotation_of_boxes_and_regions_alone(evaluation) -> None:
    nothing = row(labels={"x": None})
    for target in (Region(), Boxes(("cat",))):
        assert annotation_of_row(nothing, task(target), evaluation=evaluation) == (True, None)
    with pytest.raises(DataError, match="e/0: task 't': got None; want the annotation 'x'"):
        annotation_of_row(nothing, CLASS, evaluation=evaluation)


def test_a_row_of_a_split_is_annotated_with_its_matching_candidates() -> None:
    labels = {"x": ("a caption",), "match": frozenset({1})}
    assert annotation_of_row(row(labels=labels, candidates=("p", "q")), SPLIT, evaluation=True) == (True, {1})
    assert annotation_of_row(row(labels=labels), SPLIT, evaluation=True) == (True, ("a caption",))
    own = task(Match("texts"))
    assert annotation_of_row(row(labels=labels, candidates=("p", "q")), own, evaluation=True)[1] == ("a caption",)
    with pytest.raises(DataError, match="e/0: task 't' reads the annotation 'match'"):
        annotation_of_row(row(labels={"x": ("a caption",)}, candidates=("p",)), SPLIT, evaluation=False)


MASKED = task(Masked("words"), prompt="so: {text}")


def test_the_text_to_mask_is_the_annotation_where_that_is_a_text() -> None:
    assert text_to_mask(row(text="own", labels={"x": "a cat"}), MASKED, None) == "so: a cat"
    for other in ({}, {"x": 3}, {"x": ()}, {"x": ("a", 1)}):
        assert text_to_mask(row(text="own", labels=other), MASKED, None) == "so: own"


def test_one_of_several_texts_is_drawn_in_training_alone() -> None:
    several = row(labels={"x": ("a", "b", "c")})
    assert text_to_mask(several, MASKED, None) == "so: a"
    drawn = {text_to_mask(several, MASKED, rng_for("mask", seed)) for seed in range(30)}
    assert drawn == {"so: a", "so: b", "so: c"}


def test_only_a_list_of_texts_takes_a_number_of_the_generator() -> None:
    for labels, takes in (({"x": "a"}, False), ({}, False), ({"x": ("a",)}, False), ({"x": ("a", "b")}, True)):
        used, fresh = rng_for("r"), rng_for("r")
        text_to_mask(row(text="own", labels=labels), MASKED, used)
        assert (used.integers(1000) != fresh.integers(1000)) == takes
