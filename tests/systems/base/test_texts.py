"""The text of a row as systems read it: one sentence in its prompt, or a pair whose first is."""

import pytest

from motet.core import Example, Label, Task
from motet.metrics import Accuracy
from motet.systems.base.texts import sentences_of


def task(prompt: str) -> Task:
    return Task(
        name="t", inputs=frozenset({"text"}), label="x", target=Label(("a", "b")), metrics=(Accuracy,), prompt=prompt
    )


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("a dog", ("is it true: a dog",)),
        (("a dog", "a cat"), ("is it true: a dog", "a cat")),
        (("a dog",), ("is it true: a dog",)),
        (("a dog", "a cat", "a cow"), ("is it true: a dog a cat a cow",)),  # turns of a dialog are one text
        (("", "a cat"), ("is it true: ", "a cat")),
    ],
)
def test_two_texts_are_a_pair_and_any_other_number_is_one(text: str | tuple[str, ...], sentences: tuple) -> None:
    assert sentences_of(Example(id="r", text=text), task("is it true: {text}")) == sentences


def test_braces_in_a_sentence_are_not_taken_for_a_prompt() -> None:
    assert sentences_of(Example(id="r", text=("{text} {0}", "{1}")), task("{text}")) == ("{text} {0}", "{1}")
