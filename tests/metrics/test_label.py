import pytest

from motet.core import ClassPrediction, Label, MetricError, ScalarPrediction, Text, TextPrediction
from motet.metrics import Accuracy

PETS = Label(("cat", "dog"))


def test_words_and_choices_are_evaluated_alike() -> None:
    metric = Accuracy()
    for row, answer in enumerate(
        [
            TextPrediction("cat"),
            TextPrediction(" cat\n"),
            ClassPrediction(0),
            ClassPrediction(1),
            TextPrediction("Cat"),
            TextPrediction("dog"),
        ]
    ):
        metric.update(str(row), answer, 0, PETS)
    assert metric.row_scores([str(row) for row in range(6)]).tolist() == [100, 100, 100, 0, 0, 0]
    assert metric.compute() == 50.0
    assert [metric.is_unknown_name(str(row)) for row in range(6)] == [False, False, False, False, True, False]
    assert metric.remarks() == ("1 of 6 answers were no name",)


def test_there_is_no_remark_if_every_prediction_is_a_class_name() -> None:
    metric = Accuracy()
    metric.update("a", TextPrediction("dog"), 0, PETS)
    assert metric.remarks() == ()


@pytest.mark.parametrize(
    ("prediction", "annotation", "target", "message"),
    [
        (TextPrediction("cat"), 2, PETS, "annotation: got 2; want a class from 0 to 1"),
        (ClassPrediction(5), 0, PETS, "ClassPrediction.index: got 5; want 0 to 1"),
        (
            ScalarPrediction(1.0),
            0,
            PETS,
            "prediction: got a ScalarPrediction; want a TextPrediction or a ClassPrediction",
        ),
        (TextPrediction("cat"), 0, Text(3), "target: got a Text; want a Label"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(prediction, annotation, target, message) -> None:
    with pytest.raises(MetricError, match=message):
        Accuracy().update("a", prediction, annotation, target)
