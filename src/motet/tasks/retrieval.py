"""Retrieval and matching of images and texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from motet.core import Match, Metric, Task
from motet.metrics import MatchAccuracy, MeanRank, MedianRank, RecallAt1, RecallAt5, RecallAt10

RANKING_METRICS: tuple[Callable[[], Metric], ...] = (RecallAt1, RecallAt5, RecallAt10, MedianRank, MeanRank)


def retrieval(
    name: str = "retrieval",
    *,
    among: Literal["images", "texts"] = "images",
    label: str = "captions",
    prompt: str = "{text}",
    crop: bool = False,
) -> Task:
    """Returns a task on images and captions, evaluated by ranking all images or captions of a source.

    A row of the validation or test set is an image with its captions. Training rows have their own candidates, made by
    `motet.data.negatives` (hard negatives and random ones).

    Args:
        name: the task's key.
        among: "images": all images are ranked per caption (caption-based image retrieval, as in 12-in-1); "texts": all
            captions are ranked per image.
        label: the annotation that holds an image's captions.
        prompt: template of the text input, with ``{text}`` for the caption.
        crop: whether the captions still fit a crop of the image.

    Examples:
        >>> retrieval().main_metric, retrieval().target
        ('recall_at_1', Match(among='images', pool='split'))
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Match(among, "split"),
        metrics=RANKING_METRICS,
        prompt=prompt,
        category="retrieval",
        invariant=frozenset({"crop"}) if crop else frozenset(),
    )


def matching(name: str = "match", *, among: Literal["images", "texts"] = "texts", prompt: str = "{text}") -> Task:
    """Returns a task whose rows have a few candidates: captions for one image, or images for one caption.

    Args:
        name: the task's key.
        among: kind of the candidates.
        prompt: template of the text input, with ``{text}`` for the text.

    Examples:
        >>> matching().main_metric
        'match_accuracy'
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label="match",
        target=Match(among, "row"),
        metrics=(MatchAccuracy,),
        prompt=prompt,
        category="retrieval",
    )
