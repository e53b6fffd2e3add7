"""Kinds of target that a system refuses; classes and answers as arrays."""

import numpy as np
import pytest

from motet.core import Answer, DataError, Label, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.base import check_target, encode_class


def task(target) -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))


LABEL, ANSWER = task(Label(("a", "b", "c"))), task(Answer(("a", "b", "c")))


def test_what_is_among_the_kinds_is_supported() -> None:
    for target in (Label(("a", "b")), Answer(("a", "b")), Answer()):
        check_target(task(target), "S", Label, Answer)


def test_another_kind_is_refused_in_one_line() -> None:
    with pytest.raises(UnsupportedTask, match=r"^task 't': S answers Label, Answer and Text: got Region; want one of"):
        check_target(task(Region()), "S", Label, Answer, Text)
    with pytest.raises(UnsupportedTask, match="S answers Label and Answer with names: got Text; want one of those"):
        check_target(task(Text(5)), "S", Label, Answer, closed=True)


def test_a_system_with_a_list_of_answers_needs_their_names() -> None:
    check_target(task(Answer(("a", "b"))), "S", Label, Answer, closed=True)
    with pytest.raises(UnsupportedTask, match="task 't': S chooses from a list of answers: got an Answer"):
        check_target(task(Answer()), "S", Label, Answer, closed=True)


def test_a_class_is_its_index_and_minus_one_if_it_is_not_known() -> None:
    assert encode_class(LABEL, 2, "r")["label"].tolist() == 2
    assert encode_class(LABEL, None, "r")["label"].tolist() == -1
    assert encode_class(LABEL, 2, "r")["label"].dtype == np.int64
    with pytest.raises(DataError, match="r: task 't': got 3; want a class from 0 to 2"):
        encode_class(LABEL, 3, "r")


def test_answers_are_soft_targets_and_zeros_if_they_are_not_known() -> None:
    assert encode_class(ANSWER, ("a", "b", "a", "other"), "r")["answers"].tolist() == pytest.approx([0.6, 0.3, 0])
    assert encode_class(ANSWER, "b", "r")["answers"].tolist() == [0, 1, 0]
    assert encode_class(ANSWER, None, "r")["answers"].tolist() == [0, 0, 0]
    assert encode_class(ANSWER, None, "r")["answers"].dtype == np.float32
    with pytest.raises(DataError, match="r: task 't': got 3; want the annotators' answers"):
        encode_class(ANSWER, 3, "r")


def test_a_target_without_names_is_refused() -> None:
    with pytest.raises(UnsupportedTask, match="task 't': got Region; want a Label or an Answer"):
        encode_class(task(Region()), None, "r")
