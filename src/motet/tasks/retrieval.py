"""Which text belongs to an image, which image to a text."""

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
    """A task on images with their captions, judged by ranking all of a source's.

    A held-out row is an image with the captions that fit it. Training rows have candidates of their own
    (`motet.data.negatives` makes them: hard negatives, random ones).

    Args:
        name: the task's key.
        among: "images": for each caption all images are ranked (caption-based image retrieval, as in 12-in-1);
            "texts": for each image all captions.
        label: the annotation that holds an image's captions.
        prompt: how a caption is put, with ``{text}`` in it.
        crop: whether captions still fit a part of the image.

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
    """A task whose rows bring a few candidates: one of several captions for an image, or of several images for one.

    Args:
        name: the task's key.
        among: what the candidates are.
        prompt: how a text is put, with ``{text}`` in it.

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
