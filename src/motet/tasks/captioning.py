"""Saying what an image shows, in any language."""

from __future__ import annotations

from motet.core import Task, Text
from motet.metrics import Bleu4, Cider, RougeL


def captioning(name: str = "caption", *, label: str = "captions", max_words: int = 30, crop: bool = True) -> Task:
    """A captioning task; a language of its own is a task of its own, with its own `label`.

    An image is never mirrored for it, since captions say left and right.

    Args:
        name: the task's key.
        label: the annotation that holds the reference captions, such as ``"captions_de"``.
        max_words: a caption is cut after so many words.
        crop: whether the captions still fit a part of the image.

    Examples:
        >>> captioning("caption_de", label="captions_de").main_metric
        'cider'
    """
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Text(max_words),
        metrics=(Cider, Bleu4, RougeL),
        category="captioning",
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )
