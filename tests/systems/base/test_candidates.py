"""Candidates as arrays, and rows without any."""

import pytest

from motet.core import DataError, Example, Match, Task
from motet.metrics import Accuracy
from motet.systems.base import encode_candidates, task_of_split


def task(target: Match) -> Task:
    return Task(name="t", inputs=frozenset({"image", "text"}), label="x", target=target, metrics=(Accuracy,))


TEXTS, IMAGES, SPLIT = task(Match("texts")), task(Match("images")), task(Match("texts", "split"))


def test_equal_texts_are_one() -> None:
    texts, names, value = encode_candidates(Example(id="r", images=(None,), candidates=("a", "b", "a")), TEXTS, {0, 2})
    assert (texts, names) == (("a", "b"), ("a", "b", "a"))
    assert {name: array.tolist() for name, array in value.items()} == {
        "text": [0, 1, 0], "image": [0, 0, 0], "is_match": [True, False, True], "valid": [True] * 3,
    }  # fmt: skip


def test_images_are_found_by_their_ids_and_pairs_have_the_names_of_their_texts() -> None:
    example = Example(id="r", images=(None, None), image_ids=("p", "q"), text="a", candidates=("q", "p"))
    texts, names, value = encode_candidates(example, IMAGES, None)
    assert (texts, names, value["image"].tolist()) == (("a",), ("q", "p"), [1, 0])
    assert not value["is_match"].any()
    pairs = Example(id="r", images=(None, None), candidates=((1, "a"), (0, "b")))
    texts, names, value = encode_candidates(pairs, TEXTS, 1)
    assert (names, value["image"].tolist(), value["is_match"].tolist()) == (("a", "b"), [1, 0], [False, True])


def test_no_candidate_and_a_match_that_is_none_are_errors_of_the_row() -> None:
    with pytest.raises(DataError, match="r: task 't': candidates: got none"):
        encode_candidates(Example(id="r", images=(None,)), TEXTS, None)
    with pytest.raises(DataError, match=r"r: task 't': got \{2\}; want the set of right candidates, from 0 to 1"):
        encode_candidates(Example(id="r", images=(None,), candidates=("a", "b")), TEXTS, {2})


def test_a_row_without_candidates_belongs_to_the_task_over_a_split() -> None:
    assert task_of_split(Example(id="r"), [TEXTS, SPLIT]) is SPLIT
    assert task_of_split(Example(id="r", candidates=("a",)), [TEXTS, SPLIT]) is None
    assert task_of_split(Example(id="r"), [TEXTS, IMAGES]) is None
