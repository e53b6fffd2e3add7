"""The place that a phrase means."""

from __future__ import annotations

from motet.core import Region, Task
from motet.metrics import RegionAccuracy, RegionOverlap


def referring(name: str = "refer", *, label: str = "region", prompt: str = "{text}") -> Task:
    """A task on an image and a phrase that means one thing on it, or nothing; the answer is a box.

    An image is never mirrored or cropped for it: phrases say left and right, and the box would lie elsewhere.

    Args:
        name: the task's key.
        label: the annotation that holds the box, or None.
        prompt: how the phrase is put, with ``{text}`` in it.

    Examples:
        >>> referring("refcoco").main_metric
        'region_accuracy'
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Region(),
        metrics=(RegionAccuracy, RegionOverlap),
        prompt=prompt,
        category="referring",
    )
