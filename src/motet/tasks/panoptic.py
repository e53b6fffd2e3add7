"""Panoptic segmentation: a segment for every thing and every kind of stuff."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motet.core import Metric, Panoptic, Task
from motet.metrics import PanopticQuality, RecognitionQuality, SegmentationQuality

PANOPTIC_METRICS: tuple[Callable[[], Metric], ...] = (PanopticQuality, SegmentationQuality, RecognitionQuality)


def panoptic(
    name: str, names: Sequence[str], things: Sequence[bool], *, label: str = "panoptic", hflip: bool = False
) -> Task:
    """Returns a panoptic segmentation task, evaluated by panoptic quality and its two parts.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        things: for each class whether it is countable.
        label: the annotation that holds the `PanopticMap`.
        hflip: whether systems that move maps with the image may mirror it.

    Raises:
        ConfigError: no name, a name twice, or another number of `things`.

    Examples:
        >>> panoptic("scenes", ("ground", "cat"), (False, True)).main_metric
        'pq'
    """
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Panoptic(tuple(names), tuple(things)),
        metrics=PANOPTIC_METRICS,
        category="panoptic segmentation",
        equivariant=frozenset({"hflip"}) if hflip else frozenset(),
    )
