"""Kinds of target that a system refuses."""

import pytest

from motet.core import Answer, Label, Region, Task, Text, UnsupportedTask
from motet.metrics import Accuracy
from motet.systems.base import check_target


def task(target) -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))


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
