"""The kinds of predictions as text, in lists and model cards."""

import pytest

from motet.core import Answer, Boxes, Dense, Label, Masked, Match, Region, Score, Text
from motet.tasks.describe import describe_target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Label(tuple(map(str, range(20)))), "one of 20 names: 0, 1, 2, 3, 4, 5, 6, 7, ..."),
        (Answer(), "a short answer as free text"),
        (Answer(("yes", "no")), "one of 2 answers: yes, no"),
        (Text(12), "a text of up to 12 words"),
        (Boxes(("cat",)), "boxes of 1 class: cat"),
        (Region(), "the box that a phrase refers to"),
        (Dense(1, "metre"), "a map of 1 channel (metre)"),
        (Match("texts"), "the texts that fit"),
        (Masked("words"), "masked words"),
        (Score(0, 5), "a number from 0 to 5"),
    ],
)
def test_every_kind_of_answer_has_words(target, words):
    assert describe_target(target) == words
