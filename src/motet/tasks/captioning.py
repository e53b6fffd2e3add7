"""Image captioning in any language."""

from __future__ import annotations

from collections.abc import Sequence

from motet.core import Metric, Task, Text
from motet.metrics import Bleu4, Cider, RougeL

CAPTION_METRICS: tuple[type[Metric], ...] = (Cider, Bleu4, RougeL)


def captioning(
    name: str = "caption",
    *,
    label: str = "captions",
    max_words: int = 30,
    crop: bool = True,
    metrics: Sequence[type[Metric]] = CAPTION_METRICS,
) -> Task:
    """Returns a captioning task; each language is a separate task with its own `label`.

    Its images are never mirrored in training, since captions contain "left" and "right".

    Args:
        name: the task's key.
        label: the annotation that holds the reference captions, such as ``"captions_de"``.
        max_words: longest generated caption.
        crop: whether the captions still fit a crop of the image.
        metrics: the main one first; `WordAccuracy` scores the words of the first reference, each given those before.

    Examples:
        >>> captioning("caption_de", label="captions_de").main_metric
        'cider'
    """
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Text(max_words),
        metrics=tuple(metrics),
        category="captioning",
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )
