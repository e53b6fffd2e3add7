"""The text of predictions of every kind."""

import pytest

from motet.core import Answer, ClassPrediction, Label, MetricError, ScalarPrediction, Text, TextPrediction
from motet.metrics import F1, Accuracy, AnswerMatch, Bleu1, CharacterErrorRate, ExactMatch, VqaAccuracy
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


@pytest.mark.parametrize(("written", "generated"), [("cafe\u0301", "caf\u00e9"), ("on  the   table", "on the table")])
def test_a_text_that_reads_the_same_is_right(written: str, generated: str) -> None:
    """Data sets hold accents as macOS writes them, and doubled spaces; tokenisers give back neither."""
    names, answer = Label((written, "other")), TextPrediction(generated)
    for metric, target, annotation, best in (
        (Accuracy(), names, 0, 100.0),
        (F1(), Label(("other", written)), 1, 100.0),
        (AnswerMatch(), Answer(), (written,) * 3, 100.0),
        (ExactMatch(), Text(9), (written,), 100.0),
        (CharacterErrorRate(), Text(9), (written,), 0.0),
        (Bleu1(), Text(9), (written,), 100.0),
    ):
        metric.update("a", answer, annotation, target)
        assert metric.compute() == pytest.approx(best), metric.name
        metric.update("b", TextPrediction("elsewhere"), annotation, target)
        assert metric.compute() != pytest.approx(best), metric.name


def test_accents_count_alike_in_the_vqa_accuracy_and_spaces_as_in_its_script() -> None:
    for answers, right in ((("cafe\u0301",) * 10, 100.0), (("a  b",) * 10, 0.0)):
        metric = VqaAccuracy()
        metric.update("a", TextPrediction("caf\u00e9" if right else "a b"), answers, Answer())
        assert metric.compute() == right
