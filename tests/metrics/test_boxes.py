"""Boxes: what is refused, and average precision worked out by hand."""

import numpy as np
import pytest

from motet.core import Boxes, BoxSet, Label, MetricError, TextPrediction
from motet.metrics import BoxAP, BoxAP50, BoxAPSmall, BoxAR1
from motet.metrics.box_matching import match_boxes

PETS = Boxes(("cat", "dog"))
BOX = (0.0, 0.0, 40.0, 40.0)


def boxes(*corners, labels=None, scores=None, **more):
    count = len(corners)
    return BoxSet(
        np.array(corners, dtype=np.float64).reshape(-1, 4),
        np.array(labels if labels is not None else [0] * count, dtype=np.int64),
        np.array(scores if scores is not None else [1.0] * count),
        **more,
    )


def value(metric, *pairs):
    for number, (predicted, annotated) in enumerate(pairs):
        metric.update(str(number), predicted, annotated, PETS)
    return metric.compute()


def test_a_wrong_box_before_the_right_one_halves_the_precision() -> None:
    far = (200.0, 200.0, 240.0, 240.0)
    assert value(BoxAP50(), (boxes(BOX, far, scores=[0.9, 0.1]), boxes(BOX))) == pytest.approx(100.0)
    assert value(BoxAP50(), (boxes(BOX, far, scores=[0.1, 0.9]), boxes(BOX))) == pytest.approx(50.0)


def test_the_same_thing_found_twice_is_right_once() -> None:
    two = boxes(BOX, (100.0, 100.0, 140.0, 140.0))
    predicted = boxes(BOX, BOX, scores=[0.9, 0.8])
    assert value(BoxAP50(), (predicted, two)) == pytest.approx(100 * 51 / 101)


def test_a_class_counts_as_much_as_another_whatever_its_boxes() -> None:
    annotated = boxes(BOX, BOX, BOX, labels=[0, 0, 1])
    assert value(BoxAP50(), (boxes(BOX, labels=[1]), annotated)) == pytest.approx(50.0)


def test_what_falls_on_a_crowd_is_neither_right_nor_wrong() -> None:
    crowd = boxes((0.0, 0.0, 200.0, 200.0), BOX, crowd=np.array([True, False]))
    predicted = boxes((50.0, 50.0, 90.0, 90.0), (90.0, 90.0, 130.0, 130.0), BOX, scores=[0.9, 0.8, 0.7])
    assert value(BoxAP50(), (predicted, crowd)) == pytest.approx(100.0)


def test_the_areas_of_the_file_decide_what_is_small() -> None:
    metric = BoxAPSmall()
    assert value(metric, (boxes(BOX), boxes(BOX))) == -1.0
    assert metric.remarks() == ("no ap_small: no annotated box of this size",)
    assert value(BoxAPSmall(), (boxes(BOX), boxes(BOX, areas=np.array([900.0])))) == pytest.approx(100.0)


def test_an_image_without_any_box_is_legal_and_false_finds_on_it_count() -> None:
    found, empty = (boxes(BOX, scores=[0.5]), boxes(BOX)), (boxes(BOX, scores=[0.9]), boxes())
    assert value(BoxAP(), found, empty) == pytest.approx(50.0)
    assert value(BoxAP(), (boxes(), boxes())) == -1.0


def test_recall_with_one_box_an_image_knows_only_the_surest() -> None:
    two = boxes(BOX, (100.0, 100.0, 140.0, 140.0))
    assert value(BoxAR1(), (boxes(BOX, (100.0, 100.0, 140.0, 140.0), scores=[0.9, 0.8]), two)) == pytest.approx(50.0)


def test_metrics_that_ask_about_the_same_boxes_share_the_work() -> None:
    predicted, annotated = boxes(BOX), boxes(BOX)
    assert match_boxes(predicted, annotated, PETS, "a") is match_boxes(predicted, annotated, PETS, "b")
    assert match_boxes(predicted, boxes(BOX), PETS, "a") is not match_boxes(predicted, annotated, PETS, "b")


NAN = (0.0, 0.0, float("nan"), 4.0)


@pytest.mark.parametrize(
    ("predicted", "annotated", "line"),
    [
        (TextPrediction("cat"), boxes(BOX), "prediction: got a TextPrediction; want a BoxSet"),
        (boxes(NAN), boxes(BOX), r"prediction: box 0: got \[0.0, 0.0, nan, 4.0\]; want four finite numbers"),
        (boxes(BOX), boxes(BOX, (9, 0, 2, 4)), r"annotation: box 1: got \[9.0, 0.0, 2.0, 4.0\]; want x0 <= x1 and"),
        (boxes(BOX), boxes(BOX, labels=[2]), "annotation: labels: got 2; want 0 to 1"),
        (boxes(BOX, labels=[-1]), boxes(BOX), "prediction: labels: got -1; want 0 to 1"),
        (boxes(BOX, scores=[float("nan")]), boxes(BOX), "prediction: scores: got one that is not finite; want finite"),
        (boxes(BOX), boxes(BOX, crowd=np.ones(2, dtype=bool)), "annotation: crowd: got 2; want one for each of 1"),
        (BoxSet(np.zeros((1, 3)), np.zeros(1, dtype=np.int64), np.ones(1)), boxes(), "want .n, 4., .n,. and .n,."),
    ],
)  # fmt: skip
def test_boxes_that_cannot_be_are_one_line(predicted, annotated, line) -> None:
    with pytest.raises(MetricError, match=f"metric ap: .*{line}"):
        BoxAP().update("a", predicted, annotated, PETS)


def test_attributes_are_checked_where_the_task_names_some() -> None:
    annotated = boxes(BOX, attributes=((3,),))
    assert value(BoxAP(), (boxes(BOX), annotated)) == pytest.approx(100.0)
    with pytest.raises(MetricError, match="metric ap: annotation: attributes: got 3; want 0 to 1"):
        BoxAP().update("a", boxes(BOX), annotated, Boxes(("cat",), ("red", "large")))


def test_another_kind_of_target_is_one_line() -> None:
    with pytest.raises(MetricError, match="metric ap: target: got a Label; want Boxes"):
        BoxAP().update("a", boxes(), boxes(), Label(("a",)))
