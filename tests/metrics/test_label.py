import pytest

from motet.core import Choice, Label, MetricError, Real, Text, Words
from motet.metrics import Accuracy

PETS = Label(("cat", "dog"))


def test_words_and_choices_are_judged_alike() -> None:
    metric = Accuracy()
    for row, answer in enumerate([Words("cat"), Words(" cat\n"), Choice(0), Choice(1), Words("Cat"), Words("dog")]):
        metric.update(str(row), answer, 0, PETS)
    assert metric.row_scores([str(row) for row in range(6)]).tolist() == [100, 100, 100, 0, 0, 0]
    assert metric.compute() == 50.0
    assert [metric.no_name(str(row)) for row in range(6)] == [False, False, False, False, True, False]
    assert metric.remarks() == ("1 of 6 answers were no name",)


def test_nothing_is_said_when_every_answer_is_a_name() -> None:
    metric = Accuracy()
    metric.update("a", Words("dog"), 0, PETS)
    assert metric.remarks() == ()


@pytest.mark.parametrize(
    ("prediction", "truth", "target", "message"),
    [
        (Words("cat"), 2, PETS, "truth: got 2; want 0 to 1"),
        (Choice(5), 0, PETS, "Choice.index: got 5; want 0 to 1"),
        (Real(1.0), 0, PETS, "prediction: got a Real; want Words or a Choice"),
        (Words("cat"), 0, Text(3), "target: got a Text; want a Label"),
    ],
)
def test_what_cannot_be_judged_is_told(prediction, truth, target, message) -> None:
    with pytest.raises(MetricError, match=message):
        Accuracy().update("a", prediction, truth, target)
