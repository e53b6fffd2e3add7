"""F1 and Matthews' correlation, worked out by hand."""

import math

import pytest

from motet.core import Boxes, ClassPrediction, Label, MetricError, TextPrediction
from motet.metrics import F1, Matthews

PAIR = Label(("different", "same"))


def value(metric, rows, target=PAIR):
    for number, (answer, annotation) in enumerate(rows):
        metric.update(
            str(number),
            TextPrediction(answer) if isinstance(answer, str) else ClassPrediction(answer),
            annotation,
            target,
        )
    return metric.compute()


def test_f1_counts_only_the_second_name() -> None:
    # 3 right of the second name, 1 predicted wrongly, 2 missed, 4 right of the first.
    rows = [(1, 1)] * 3 + [(1, 0)] + [(0, 1)] * 2 + [(0, 0)] * 4
    assert value(F1(), rows) == pytest.approx(100 * 6 / 9)
    assert value(F1(), [(0, 0)] * 3) == 0.0


def test_words_that_are_no_name_are_the_wrong_one_and_counted() -> None:
    metric = F1()
    assert value(metric, [("same", 1), ("smae", 1), ("", 0)]) == pytest.approx(100 * 2 / 4)
    assert metric.remarks() == ("f1: 2 of 3 answers were no name",)


def test_matthews_is_the_correlation_of_two_classes() -> None:
    rows = [(1, 1)] * 3 + [(1, 0)] + [(0, 1)] * 2 + [(0, 0)] * 4
    assert value(Matthews(), rows) == pytest.approx(100 * (3 * 4 - 1 * 2) / math.sqrt(4 * 5 * 5 * 6))
    assert value(Matthews(), [(1 - a, b) for a, b in rows]) == pytest.approx(-100 * 10 / math.sqrt(4 * 5 * 5 * 6))
    assert value(Matthews(), [(1, 1), (1, 0), (1, 0)]) == 0.0


def test_matthews_of_three_classes() -> None:
    target = Label(("a", "b", "c"))
    rows = [(0, 0), (1, 1), (2, 2), (0, 1), (2, 2), (1, 0)]
    # predicted 2, 2, 2; annotated 2, 2, 2; 4 of 6 right.
    assert value(Matthews(), rows, target) == pytest.approx(100 * (4 * 6 - 12) / (36 - 12))


def test_what_cannot_be_evaluated_is_one_line() -> None:
    with pytest.raises(MetricError, match="metric f1: target: got 3 names; want two"):
        F1().update("a", ClassPrediction(0), 0, Label(("a", "b", "c")))
    with pytest.raises(MetricError, match="metric matthews: annotation: got 2; want a class from 0 to 1"):
        Matthews().update("a", ClassPrediction(0), 2, PAIR)
    with pytest.raises(MetricError, match="metric f1: target: got a Boxes; want a Label"):
        F1().update("a", ClassPrediction(0), 0, Boxes(("a",)))
