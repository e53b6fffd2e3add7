"""Text recognition in images."""

from __future__ import annotations

from motet.core import Task, Text
from motet.metrics import CharacterErrorRate, ExactMatch


def text_reading(name: str = "read", *, label: str = "text", max_words: int = 20) -> Task:
    """Returns a text reading task; its images are only resized, since crops and mirroring change the text.

    Args:
        name: the task's key.
        label: the annotation that holds the text, a tuple of one or more strings.
        max_words: longest generated text.

    Examples:
        >>> text_reading().invariant
        frozenset()
    """
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Text(max_words),
        metrics=(ExactMatch, CharacterErrorRate),
        category="ocr",
    )
