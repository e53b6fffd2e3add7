"""Annotations under their label, of candidates, and missing ones; texts to mask."""

import numpy as np
import pytest

from motet.core import DataError, Example, Label, Masked, Match, Region, Task
from motet.metrics import Accuracy
from motet.systems.base import annotation_of_row, text_to_mask


def task(target, prompt: str = "{text}") -> Task:
    return Task(
        name="t", inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,), prompt=prompt
    )


LABEL, SPLIT = task(Label(("a", "b"))), task(Match("texts", "split"))
WORDS = task(Masked("words"), "say: {text}")


def row(candidates=(), **labels) -> Example:
    return Example(id="r", labels=labels, candidates=candidates, text="of the row")


@pytest.mark.parametrize("evaluation", [True, False])
def test_an_annotation_is_that_of_the_tasks_label(evaluation: bool) -> None:
    assert annotation_of_row(row(x=1, match=0), LABEL, evaluation=evaluation) == (True, 1)
    # A match of a row's own candidates has the label of its task.
    assert annotation_of_row(row(("a",), x={1}, match={0}), task(Match("texts")), evaluation=evaluation) == (True, {1})


def test_a_row_over_a_split_has_its_matching_candidates_under_match() -> None:
    found = row(("a", "b"), x="caption", match={1})
    assert annotation_of_row(found, SPLIT, evaluation=False) == (True, {1})
    assert annotation_of_row(row(x="caption", match={1}), SPLIT, evaluation=False) == (True, "caption")
    with pytest.raises(DataError, match=r"r: task 't' reads the annotation 'match': got \['x'\]"):
        annotation_of_row(row(("a", "b"), x="caption"), SPLIT, evaluation=False)


def test_a_missing_annotation_is_an_error_in_training_only() -> None:
    assert annotation_of_row(row(y=1), LABEL, evaluation=True) == (False, None)
    with pytest.raises(DataError, match=r"r: task 't' reads the annotation 'x': got \['y'\]; want it among them"):
        annotation_of_row(row(y=1), LABEL, evaluation=False)


@pytest.mark.parametrize("evaluation", [True, False])
def test_only_a_phrase_may_refer_to_nothing(evaluation: bool) -> None:
    assert annotation_of_row(row(x=None), task(Region()), evaluation=evaluation) == (True, None)
    with pytest.raises(DataError, match="r: task 't': got None; want the annotation 'x'"):
        annotation_of_row(row(x=None), LABEL, evaluation=evaluation)


def test_words_are_masked_in_the_annotation_if_it_is_text_else_in_the_rows_text() -> None:
    assert text_to_mask(row(x="a caption"), WORDS, None) == "say: a caption"
    assert text_to_mask(row(x=("first", "second")), WORDS, None) == "say: first"
    for other in (row(), row(x=3), row(x=()), row(x=("first", 2))):
        assert text_to_mask(other, WORDS, None) == "say: of the row"


def test_training_draws_one_of_several_texts() -> None:
    drawn = [text_to_mask(row(x=("first", "second")), WORDS, np.random.default_rng(seed)) for seed in range(20)]
    assert set(drawn) == {"say: first", "say: second"}
