"""What every task of the table promises."""

import numpy as np
import pytest

from motet.core import (
    Answer,
    Boxes,
    BoxSet,
    ClassPrediction,
    Dense,
    DenseMap,
    Label,
    Masked,
    Match,
    Region,
    Task,
    Text,
    TextPrediction,
)
from motet.core.codec import from_json, to_json
from motet.metrics import METRICS
from motet.scenes.tasks import SCENE_TASKS
from motet.tasks import TASKS as PLAIN_TASKS
from motet.training.saved_names import saved_names

TASKS = {**PLAIN_TASKS, **SCENE_TASKS}

CATEGORIES = {
    "classification", "captioning", "ocr", "qa", "detection", "entailment", "sentence", "sentence pair", "retrieval",
    "referring", "pointing", "verification", "dense", "hidden words",
}  # fmt: skip
ASKS = CATEGORIES - {"classification", "captioning", "ocr", "detection", "dense"}
UNSEEN = {"sentence", "sentence pair", "hidden words"}
NOTHING = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))


def annotation_of(task: Task):
    """A truth that fits the task's target, a right answer and one that says nothing."""
    match task.target:
        case Label(names=names):
            return len(names) - 1, TextPrediction(names[-1]), TextPrediction("")
        case Answer():
            return ("yes",) * 10, TextPrediction("yes"), TextPrediction("")
        case Text() | Masked():
            return ("a red dog", "one dog"), TextPrediction("a red dog"), TextPrediction("")
        case Boxes(names=names):
            boxes = BoxSet(np.array([[3.0, 4.0, 60.0, 80.0]]), np.array([len(names) - 1]), np.ones(1))
            return boxes, boxes, NOTHING
        case Match():
            return (
                frozenset({1}),
                ClassPrediction(1, scores=(0.1, 0.9, 0.2)),
                ClassPrediction(-1, scores=(0.0, 0.0, 0.0)),
            )
        case Region():
            boxes = BoxSet(np.array([[3.0, 4.0, 60.0, 80.0]]), np.zeros(1, dtype=np.int64), np.ones(1))
            return (3.0, 4.0, 60.0, 80.0), boxes, NOTHING
        case Dense(channels=channels):
            size = (4, 6) if channels == 1 else (4, 6, channels)
            annotation = np.linspace(0.1, 1.0, int(np.prod(size))).reshape(size)
            return annotation, DenseMap(annotation), DenseMap(np.zeros(size))
    raise AssertionError(task.target)


@pytest.mark.parametrize("name", TASKS)
def test_the_table_has_the_task_under_its_name_and_category(name: str) -> None:
    assert TASKS[name].name == name
    assert TASKS[name].category in CATEGORIES


@pytest.mark.parametrize("name", TASKS)
def test_a_right_answer_scores_the_best_value_and_an_empty_one_does_not_crash(name: str) -> None:
    task = TASKS[name]
    annotation, right, silent = annotation_of(task)
    for make in task.metrics:
        best, empty = make(), make()
        for row in ("a", "b"):
            best.update(row, right, annotation, task.target)
            empty.update(row, silent, annotation, task.target)
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
    assert ("text" in task.inputs) == (task.category in ASKS)
    assert bool(task.inputs & {"image", "video"}) == (task.category not in UNSEEN)


@pytest.mark.parametrize("name", TASKS)
def test_only_an_annotation_that_lies_in_the_image_moves_with_it(name: str) -> None:
    task = TASKS[name]
    assert not task.equivariant or isinstance(task.target, Boxes | Dense)
    assert not task.equivariant & task.invariant


@pytest.mark.parametrize("name", TASKS)
def test_a_saved_task_comes_back_equal(name: str) -> None:
    assert from_json(to_json(TASKS[name]), saved_names()) == TASKS[name]
