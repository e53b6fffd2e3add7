"""Referring expression comprehension: the box that a phrase refers to."""

from __future__ import annotations

from motet.core import Region, Task
from motet.metrics import RegionAccuracy, RegionIoU


def referring(name: str = "refer", *, label: str = "region", prompt: str = "{text}") -> Task:
    """Returns a task that predicts the box of the one thing that a phrase refers to, or no box.

    Its images are never mirrored or cropped: phrases contain "left" and "right", and the box would move.

    Args:
        name: the task's key.
        label: the annotation that holds the box, or None.
        prompt: template of the text input, with ``{text}`` for the phrase.

    Examples:
        >>> referring("refcoco").main_metric
        'region_accuracy'
    """
    return Task(
        name=name,
        inputs=frozenset({"image", "text"}),
        label=label,
        target=Region(),
        metrics=(RegionAccuracy, RegionIoU),
        prompt=prompt,
        category="referring",
    )
