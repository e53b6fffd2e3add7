"""Annotations as parsed for every system: classes, answers, texts, candidates, and what is none."""

import numpy as np
import pytest
from toys import label_task

from motet.core import DataError, Example, MemoryImage
from motet.preprocess.annotations import class_index, matching_candidates, parse_answers, parse_pairs, parse_texts
from motet.tasks import retrieval

TASK = label_task("t")
IMAGE = MemoryImage("x.png", b"")


@pytest.mark.parametrize("value", [0, 2, np.int64(1)])
def test_a_class_is_an_int(value: int) -> None:
    index = class_index(TASK, value, "r", 3)
    assert (index, type(index)) == (int(value), int)


@pytest.mark.parametrize("value", [3, -1, True, 1.0, "1", None])
def test_what_is_no_class_names_row_task_and_range(value: object) -> None:
    with pytest.raises(DataError, match=r"r: task 't': got .*; want a class from 0 to 2"):
        class_index(TASK, value, "r", 3)


def test_answers_may_be_empty_but_not_missing() -> None:
    assert parse_answers(TASK, "yes", "r") == ("yes",)
    assert parse_answers(TASK, ["yes", ""], "r") == ("yes", "")
    for value in ((), [1], None):
        with pytest.raises(DataError, match="want the annotators' answers, at least one"):
            parse_answers(TASK, value, "r")


def test_empty_texts_are_left_out() -> None:
    assert parse_texts(TASK, ["a", " \n", "b"], "r") == ("a", "b")
    with pytest.raises(DataError, match="want at least one text that is not empty"):
        parse_texts(TASK, [" "], "r")
    with pytest.raises(DataError, match="want a text or a list of texts"):
        parse_texts(TASK, {"a": "b"}, "r")


@pytest.mark.parametrize(
    ("value", "mask"), [({0, 2}, [1, 0, 1]), (1, [0, 1, 0]), (np.int64(2), [0, 0, 1]), ((), [0] * 3)]
)
def test_matching_candidates_are_a_mask(value: object, mask: list[int]) -> None:
    assert matching_candidates(TASK, value, "r", 3).tolist() == [bool(one) for one in mask]


@pytest.mark.parametrize("value", [3, {-1}, {True}, "0", [0.0]])
def test_indices_of_no_candidate_are_an_error(value: object) -> None:
    with pytest.raises(DataError, match="want the set of right candidates, from 0 to 2"):
        matching_candidates(TASK, value, "r", 3)


def row(*candidates: object, images: int = 1) -> Example:
    ids = tuple(f"i{place}" for place in range(images))
    return Example(id="r", images=(IMAGE,) * images, image_ids=ids, text="a dog", candidates=candidates)


def test_equal_texts_are_encoded_once() -> None:
    texts, pairs = parse_pairs(retrieval("r"), row((0, "a dog"), (0, "a cat"), (1, "a dog"), images=2))
    assert texts == ("a dog", "a cat")
    assert pairs == ((0, 0), (1, 0), (0, 1))


@pytest.mark.parametrize("candidate", [(2, "a"), (-1, "a"), ("a", 0), 5, None])
def test_other_candidates_are_an_error(candidate: object) -> None:
    with pytest.raises(DataError, match=r"r: task 'r': candidate: got .*, or a pair \(index of an image, text\)"):
        parse_pairs(retrieval("r"), row(candidate, images=2))


def test_a_row_without_candidates_is_an_error() -> None:
    with pytest.raises(DataError, match="candidates: got none; want at least one"):
        parse_pairs(retrieval("r"), row())
