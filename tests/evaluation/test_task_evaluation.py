"""What a task's metrics keep of its rows, as numbers with their classes."""

from __future__ import annotations

import numpy as np
import pytest

from motet.core import BoxSet, ClassPrediction, DenseMap, TextPrediction
from motet.evaluation.batches import EvaluationRow
from motet.evaluation.task_evaluation import TaskEvaluation
from motet.tasks import captioning, classification, depth, detection, semantic_segmentation


def evaluated(task, predicted, annotated) -> TaskEvaluation:
    kept = TaskEvaluation.empty(task, "streets/val")
    kept.add(EvaluationRow("a", ("image a",), ""), predicted, annotated, keep_predictions=False)
    return kept


def test_the_main_number_of_a_segmentation_has_its_classes_and_none_for_those_that_are_nowhere_true() -> None:
    # Road: 2 right, 3 predicted, 2 annotated. Sky: 1, 1, 2. A train is only predicted, a boat neither.
    task = semantic_segmentation("streets", ("road", "sky", "train", "boat"))
    kept = evaluated(task, DenseMap(np.array([[0, 0, 0, 1, 2]])), np.array([[0, 0, 1, 1, -1]]))
    main, accuracy = kept.results()
    assert main.classes == pytest.approx({"road": 200 / 3, "sky": 50.0, "train": None, "boat": None})
    assert accuracy.classes == {}
    assert main.value == pytest.approx(175 / 3)


def test_boxes_have_their_classes_and_a_depth_has_none() -> None:
    cat = BoxSet(np.array([[0.0, 0.0, 40.0, 40.0]]), np.array([1]), np.ones(1))
    main, *others = evaluated(detection("pets", ("dog", "cat")), cat, cat).results()
    assert main.classes == pytest.approx({"dog": None, "cat": 100.0})
    assert not any(other.classes for other in others)
    metres = np.ones((2, 2))
    assert evaluated(depth(), DenseMap(metres), metres).results()[0].classes == {}


def notes(task, answers, annotation) -> tuple[str, ...]:
    kept = TaskEvaluation.empty(task, "streets/val")
    for row, answer in enumerate(answers):
        kept.add(EvaluationRow(str(row), (f"image {row}",), ""), answer, annotation, keep_predictions=False)
    return kept.merged().notes("test")


EMPTY = BoxSet(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
CAT = BoxSet(np.array([[0.0, 0.0, 4.0, 4.0]]), np.array([1]), np.ones(1))


@pytest.mark.parametrize(
    ("task", "same", "other", "annotation", "said"),
    [
        (
            captioning("words"),
            TextPrediction("a dog"),
            TextPrediction("a cat"),
            ("a dog",),
            "every answer is 'a dog'",
        ),
        (captioning("words"), TextPrediction(" "), TextPrediction("a cat"), ("a dog",), "every answer is empty"),
        (classification("pets", ("dog", "cat")), ClassPrediction(1), ClassPrediction(0), 0, "every answer is 'cat'"),
        (detection("pets", ("dog", "cat")), EMPTY, CAT, CAT, "every answer is without a box"),
        (depth(), DenseMap(np.eye(2) + 1), DenseMap(np.eye(2) + 2), np.ones((2, 2)), "every answer is one map"),
        (depth(), DenseMap(np.ones((2, 2))), DenseMap(np.eye(2) + 1), np.ones((2, 2)), "every answer is the value 1"),
    ],
)
def test_answers_that_are_all_the_same_are_told(task, same, other, annotation, said) -> None:
    assert any(said in note for note in notes(task, [same] * 20, annotation))
    assert not any("every answer" in note for note in notes(task, [same] * 19, annotation))
    assert not any("every answer" in note for note in notes(task, [same] * 19 + [other], annotation))


def test_a_precision_of_boxes_that_no_image_has_is_left_out() -> None:
    kept = evaluated(detection("pets", ("dog", "cat")), CAT, CAT)
    names = [result.metric for result in kept.results()]
    assert "ap_small" in names
    assert "ap_large" not in names
    assert min(result.value for result in kept.results()) >= 0
    assert any("no ap_large: no annotated box of this size" in note for note in kept.notes("test"))
