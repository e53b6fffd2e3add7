import pytest

from motet.core import Answer, ClassPrediction, MetricError, TextPrediction
from motet.metrics import AnswerMatch, VqaAccuracy
from motet.metrics.answer import majority


def test_a_choice_of_a_closed_list_is_evaluated_by_its_words() -> None:
    metric = VqaAccuracy()
    metric.update("a", ClassPrediction(1), ("no",) * 10, Answer(("yes", "no")))
    assert metric.compute() == 100.0


def test_a_set_with_one_answer_is_no_matter_for_the_vqa_accuracy() -> None:
    with pytest.raises(MetricError, match="got 1; want ten"):
        VqaAccuracy().update("a", TextPrediction("no"), ("no",), Answer())


def test_one_string_is_no_tuple_of_answers() -> None:
    with pytest.raises(MetricError, match="got 'no'; want a tuple of strings"):
        AnswerMatch().update("a", TextPrediction("no"), "no", Answer())
    with pytest.raises(MetricError, match="got no text"):
        AnswerMatch().update("a", TextPrediction("no"), (), Answer())


def test_the_match_is_letter_by_letter_with_the_majority() -> None:
    metric = AnswerMatch()
    metric.update("a", TextPrediction("two"), ("2", "two", "two"), Answer())
    metric.update("b", TextPrediction("2"), ("2", "two", "two"), Answer())
    assert metric.compute() == 50.0


def test_of_equally_many_answers_the_first_given_is_the_majority() -> None:
    assert majority(["b", "a", "a", "b"]) == "b"
