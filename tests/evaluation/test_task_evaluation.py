"""What a task's metrics keep of its rows, as numbers with their classes."""

from __future__ import annotations

import numpy as np
import pytest

from motet.core import BoxSet, DenseMap
from motet.evaluation.batches import EvaluationRow
from motet.evaluation.task_evaluation import TaskEvaluation
from motet.tasks import depth, detection, semantic_segmentation


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
