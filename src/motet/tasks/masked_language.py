"""Masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Masked, Metric, Task
from motet.metrics import MaskedAccuracy, Perplexity, WordAccuracy

WORD_METRICS: Sequence[type[Metric]] = (WordAccuracy, Perplexity)
"""Metrics of single masked words, as Uni-Perceiver-MoE reports them (table 3)."""


def masked_words(
    name: str = "words",
    *,
    label: str = "captions",
    prompt: str = "{text}",
    metrics: Sequence[type[Metric]] = (MaskedAccuracy,),
) -> Task:
    """Returns a task that predicts words that the system itself masked, in texts without images.

    Args:
        name: the task's key.
        label: the annotation that holds the text, or several texts of which one is sampled.
        prompt: template of the text input, with ``{text}`` for the text.
        metrics: the main one first; `WORD_METRICS` count words instead of texts.

    Examples:
        >>> masked_words().main_metric, masked_words().target
        ('masked_accuracy', Masked(what='words'))
    """
    return Task(
        name=name,
        inputs=frozenset({"text"}),
        label=label,
        target=Masked("words"),
        metrics=tuple(metrics),
        prompt=prompt,
        category="hidden words",
    )
