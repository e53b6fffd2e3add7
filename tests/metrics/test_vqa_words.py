"""The normalisation of the VQA challenge, its errors included."""

import pytest

from motet.metrics.vqa_words import normalise, tidy


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("The Cat", "cat"),
        ("two", "2"),
        ("none", "0"),
        ("an apple", "apple"),
        ("dont", "don't"),
        ("couldntve", "couldntve"),
        ("couldn'tve", "couldn't've"),
        ("somebody'd", "somebodyd"),
        ("red/blue", "red blue"),
        ("red, blue", "red blue"),
        ("1,000", "1000"),
        ("1,000 red-blue", "1000 redblue"),
        ("3.5", "3.5"),
        ("end.", "end"),
        (".5", ".5"),
    ],
)
def test_answers_are_normalised_as_by_the_script(text, result) -> None:
    assert normalise(text) == result


def test_tidy_replaces_line_ends_and_strips_only() -> None:
    assert tidy("  The\ncat\t.") == "The cat ."
