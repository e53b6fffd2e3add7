"""Masked language modelling."""

from __future__ import annotations

from motet.core import Masked, Task
from motet.metrics import MaskedAccuracy


def masked_words(name: str = "words", *, label: str = "captions", prompt: str = "{text}") -> Task:
    """Returns a task that predicts words that the system itself masked, in texts without images.

    Args:
        name: the task's key.
        label: the annotation that holds the text, or several texts of which one is sampled.
        prompt: template of the text input, with ``{text}`` for the text.

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
