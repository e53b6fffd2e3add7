"""The sentences of a row."""

import pytest

from motet.core import Example, Label, Task
from motet.metrics import Accuracy
from motet.systems.base import sentences_of

PROMPTED = Task(
    name="t", inputs=frozenset({"text"}), label="x", target=Label(("no", "yes")), metrics=(Accuracy,),
    prompt="is {text} true?",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentences"),
    [("a", ("is a true?",)), (("a", "b"), ("is a true?", "b")), (("a", "b", "c"), ("is a b c true?",))],
)
def test_a_prompt_is_formatted_with_the_first_sentence_of_a_pair(text, sentences) -> None:
    assert sentences_of(Example(id="e/0", text=text), PROMPTED) == sentences
