"""The text of predictions of every kind."""

import pytest

from motet.core import Answer, ClassPrediction, Label, MetricError, ScalarPrediction, Text, TextPrediction
from motet.metrics.prediction_text import prediction_text, references

PETS = Label(("cat", "dog"))


def test_generated_text_is_stripped_and_a_class_has_its_name() -> None:
    assert prediction_text(TextPrediction(" a dog\n"), PETS, "m") == "a dog"
    assert prediction_text(ClassPrediction(1), PETS, "m") == "dog"
    assert prediction_text(ClassPrediction(0, "ignored"), Answer(("yes", "no")), "m") == "yes"


def test_without_a_list_of_names_the_prediction_brings_its_own() -> None:
    assert prediction_text(ClassPrediction(7, " yes "), Answer(), "m") == "yes"
    assert prediction_text(ClassPrediction(7), Text(3), "m") == ""


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_beyond_the_names_is_one_line(index) -> None:
    with pytest.raises(MetricError, match=f"metric m: ClassPrediction.index: got {index}; want 0 to 1"):
        prediction_text(ClassPrediction(index), PETS, "m")


def test_a_number_has_no_text() -> None:
    with pytest.raises(MetricError, match="metric m: prediction: got a ScalarPrediction; want a TextPrediction or"):
        prediction_text(ScalarPrediction(1.0), PETS, "m")


def test_references_are_a_tuple_of_texts() -> None:
    assert references(["a", "b"], "m") == ("a", "b")
    for annotation, got in (("a", "'a'"), ((1,), r"\(1,\)"), ((), "no text")):
        with pytest.raises(MetricError, match=f"metric m: annotation: got {got}"):
            references(annotation, "m")
