"""Reading the text in an image."""

from __future__ import annotations

from motet.core import Task, Text
from motet.metrics import CharacterErrorRate, ExactText


def text_reading(name: str = "read", *, label: str = "text", max_words: int = 20) -> Task:
    """A text reading task. Its images are only resized in training: a crop or a mirror changes what can be read.

    Args:
        name: the task's key.
        label: the annotation that holds the text, a tuple of one string or more.
        max_words: an answer is cut after so many words.

    Examples:
        >>> text_reading().invariant
        frozenset()
    """
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Text(max_words),
        metrics=(ExactText, CharacterErrorRate),
        category="ocr",
    )
