"""The target text of one row."""

from collections import Counter

import pytest

from motet.core import Answer, DataError, Label, Match, Task, Text, UnsupportedTask, rng_for
from motet.metrics import Accuracy
from motet.systems.lit_decoder.options import ConcatTexts, RandomText, SplitCap
from motet.systems.lit_decoder.targets import check_supported, target_text


def task(target, inputs=("image",)) -> Task:
    return Task(name="t", inputs=frozenset(inputs), label="x", target=target, metrics=(Accuracy,))


ANSWERS = ("yes",) * 6 + ("no",) * 3 + ("maybe",)


def test_the_text_of_a_class_is_its_name() -> None:
    assert target_text(task(Label(("a", "b"))), 1, "r", None) == "b"


@pytest.mark.parametrize("annotation", [2, -1, "b", None, 0.0])
def test_a_class_that_is_none_is_a_data_error(annotation) -> None:
    with pytest.raises(DataError, match=r"r: task 't': got .*; want a class from 0 to 1"):
        target_text(task(Label(("a", "b"))), annotation, "r", None)


def test_answers_are_drawn_by_their_number_of_annotators() -> None:
    drawn = Counter(target_text(task(Answer()), ANSWERS, "r", rng_for("t", i)) for i in range(1000))
    assert drawn["yes"] == pytest.approx(600, abs=60)
    assert drawn["no"] == pytest.approx(300, abs=60)
    assert drawn["maybe"] == pytest.approx(100, abs=40)


def test_the_most_common_answer_is_taken_in_evaluation_or_on_demand() -> None:
    assert target_text(task(Answer()), ANSWERS[::-1], "r", None) == "yes"
    assert {target_text(task(Answer()), ANSWERS, "r", rng_for("t", i), answers="most common") for i in range(9)} == {
        "yes"
    }
    assert target_text(task(Answer()), "red", "r", rng_for("t", 0)) == "red"


def test_one_text_is_drawn_in_training_and_the_first_taken_in_evaluation() -> None:
    texts = ("one", "two", "three")
    assert {target_text(task(Text(9)), texts, "r", rng_for("t", i)) for i in range(50)} == set(texts)
    assert target_text(task(Text(9)), texts, "r", None, texts=RandomText()) == "one"
    assert target_text(task(Text(9)), texts, "r", None, texts=SplitCap()) == "one"
    assert target_text(task(Text(9)), texts, "r", rng_for("t", 0), texts=ConcatTexts(" | ")) == "one | two | three"


@pytest.mark.parametrize("annotation", [(), ("",), ("  ", "\n")])
def test_an_empty_text_is_a_data_error(annotation) -> None:
    with pytest.raises(DataError, match="want at least one text that is not empty"):
        target_text(task(Text(9)), annotation, "coco/3", None)
    assert target_text(task(Text(9)), (*annotation, "a dog"), "coco/3", rng_for("t", 0)) == "a dog"


@pytest.mark.parametrize("annotation", [3, None, (1, 2), {"a": "b"}])
def test_other_values_than_texts_are_data_errors(annotation) -> None:
    with pytest.raises(DataError, match="want a text or a list of texts"):
        target_text(task(Answer()), annotation, "r", None)


def test_a_task_with_regions_as_inputs_is_refused() -> None:
    check_supported(task(Text(9), ("text",)))
    with pytest.raises(UnsupportedTask, match=r"got \['image', 'regions'\]"):
        check_supported(task(Text(9), ("image", "regions")))
    with pytest.raises(UnsupportedTask, match="got Match; want one of those"):
        check_supported(task(Match("texts")))
