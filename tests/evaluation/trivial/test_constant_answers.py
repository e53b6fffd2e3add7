"""Constant predictions: annotations as predictions, and baselines for every kind of target."""

import numpy as np
import pytest

from motet.core import (
    BoxSet,
    ClassPrediction,
    Dense,
    DenseMap,
    Example,
    Match,
    Region,
    ScalarPrediction,
    Score,
    Task,
    TextPrediction,
)
from motet.evaluation.trivial.constant_answers import annotation_as_prediction, constant_baselines, score
from motet.metrics import MatchAccuracy, PixelAccuracy, RecallAt1, RegionIoU
from motet.tasks import captioning, classification, detection, question_answering

PETS = classification("pets", ("cat", "dog"))


def rows(*annotations, **more):
    return [(Example(id=str(number), **more), annotation) for number, annotation in enumerate(annotations)]


def task(target, metric) -> Task:
    return Task(name="t", inputs=frozenset({"image"}), label="t", target=target, metrics=(metric,))


def test_annotations_become_predictions() -> None:
    assert annotation_as_prediction(PETS, 1) == ClassPrediction(1)
    assert annotation_as_prediction(question_answering("qa"), ("no", "yes", "yes")) == TextPrediction("yes")
    assert annotation_as_prediction(captioning(), ("first", "second")) == TextPrediction("first")
    assert annotation_as_prediction(task(Score(0, 5), RegionIoU), 2) == ScalarPrediction(2.0)
    assert annotation_as_prediction(task(Match("texts"), RecallAt1), {0}) is None
    crowd = BoxSet(np.zeros((2, 4)), np.array([0, 1]), np.ones(2), crowd=np.array([True, False]))
    assert annotation_as_prediction(detection("d", ("a", "b")), crowd).labels.tolist() == [1]


def test_a_map_of_another_row_is_resampled_to_the_annotation() -> None:
    maps = task(Dense(2, "class", ("a", "b")), PixelAccuracy)
    assert score(maps, rows(np.ones((4, 6), dtype=int)), [DenseMap(np.ones((2, 3), dtype=int))]) == 100.0


@pytest.mark.parametrize("pair", [([], rows(0)), (rows(0), [])])
def test_without_rows_there_is_no_baseline(pair) -> None:
    assert constant_baselines(PETS, *pair) == {}


def test_the_majority_is_evaluated_on_held_out_rows() -> None:
    assert constant_baselines(PETS, rows(0, 0, 1), rows(1, 1, 0, 1)) == {"majority": 25.0}


def test_a_region_that_most_phrases_lack_is_predicted_as_no_box() -> None:
    regions = task(Region(), RegionIoU)
    assert constant_baselines(regions, rows(None, None, (0, 0, 1, 1)), rows(None))["constant"] == 100.0
    mean = constant_baselines(regions, rows((0, 0, 2, 2), (0, 0, 4, 4)), rows((0, 0, 3, 3)))
    assert mean["constant"] == pytest.approx(100.0)


def test_chance_needs_candidates_in_every_row() -> None:
    choose = task(Match("texts"), MatchAccuracy)
    two = rows({0}, {1, 2}, candidates=("a", "b", "c", "d"))
    assert constant_baselines(choose, two, two) == {"chance": pytest.approx(100 * (1 / 4 + 2 / 4) / 2)}
    assert constant_baselines(choose, two, [*two, *rows({0})]) == {}


def test_a_kind_of_target_without_a_baseline_has_none() -> None:
    ranked = task(Match("texts", "split"), RecallAt1)
    assert constant_baselines(ranked, rows(("a",)), rows(("a",))) == {}
