"""What every task of the table promises."""

import pytest

from motet.core import Answer, Label, Task, Text, Words
from motet.core.codec import from_plain, to_plain
from motet.metrics import METRICS
from motet.tasks import TASKS

CATEGORIES = {"classification", "captioning", "ocr", "qa"}


def truth_of(task: Task):
    """A truth that fits the task's target, and a right answer in words."""
    match task.target:
        case Label(names=names):
            return len(names) - 1, names[-1]
        case Answer():
            return ("yes",) * 10, "yes"
        case Text():
            return ("a red dog", "one dog"), "a red dog"
    raise AssertionError(task.target)


@pytest.mark.parametrize("name", TASKS)
def test_the_table_has_the_task_under_its_name_and_category(name: str) -> None:
    assert TASKS[name].name == name
    assert TASKS[name].category in CATEGORIES


@pytest.mark.parametrize("name", TASKS)
def test_a_right_answer_scores_the_best_value_and_an_empty_one_does_not_crash(name: str) -> None:
    task = TASKS[name]
    truth, right = truth_of(task)
    for make in task.metrics:
        best, empty = make(), make()
        for row in ("a", "b"):
            best.update(row, Words(right), truth, task.target)
            empty.update(row, Words(""), truth, task.target)
        assert best.compute() >= empty.compute() if best.higher_is_better else best.compute() <= empty.compute()
        assert METRICS[best.name] is make


@pytest.mark.parametrize("name", TASKS)
def test_only_a_class_survives_a_mirror_and_nothing_that_is_read_survives_a_crop(name: str) -> None:
    task = TASKS[name]
    assert "hflip" not in task.invariant or task.category == "classification"
    assert "crop" not in task.invariant or task.category != "ocr"


@pytest.mark.parametrize("name", TASKS)
def test_a_question_is_seen_where_one_is_asked(name: str) -> None:
    task = TASKS[name]
    assert ("text" in task.sees) == (task.category == "qa")
    assert "image" in task.sees


@pytest.mark.parametrize("name", TASKS)
def test_a_saved_task_comes_back_equal(name: str) -> None:
    assert from_plain(to_plain(TASKS[name])) == TASKS[name]
