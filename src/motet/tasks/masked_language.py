"""Telling the words of a text that are hidden, from those that are not."""

from __future__ import annotations

from motet.core import Masked, Task
from motet.metrics import MaskedAccuracy


def masked_words(name: str = "words", *, label: str = "captions", prompt: str = "{text}") -> Task:
    """A task on texts alone, some of whose words a system hides from itself; of several texts of a row any one.

    Args:
        name: the task's key.
        label: the annotation that holds the text, or several.
        prompt: how a text is put, with ``{text}`` in it.

    Examples:
        >>> masked_words().main_metric, masked_words().target
        ('masked_accuracy', Masked(what='words'))
    """
    return Task(
        name=name,
        inputs=frozenset({"text"}),
        label=label,
        target=Masked("words"),
        metrics=(MaskedAccuracy,),
        prompt=prompt,
        category="hidden words",
    )
