"""Finding things: what each is, where it is, and what it is like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motet.core import Boxes, ConfigError, Metric, Task
from motet.core.task import Invariance
from motet.metrics import COCO_TWELVE, AttributeF1, DescribedBoxes

ATTRIBUTE_METRICS: tuple[Callable[[], Metric], ...] = (DescribedBoxes, AttributeF1)


def detection(
    name: str = "detect",
    names: Sequence[str] = (),
    *,
    attributes: Sequence[str] = (),
    label: str = "boxes",
    metrics: tuple[Callable[[], Metric], ...] = COCO_TWELVE,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """A detection task over a list of names, with or without attributes, judged by COCO's twelve numbers.

    It is invariant to nothing: in a mirrored or cropped image the boxes lie elsewhere. So a stored feature of a
    changed image, whose truth nobody moves, is never taken for it; a system that moves boxes with the image may do
    what `Task.equivariant` names.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        attributes: what things may be like, in the order of the reader's indices; with some, two more metrics follow.
        label: the annotation that holds the `BoxSet`.
        metrics: the first is the main one.
        hflip: whether a mirrored thing is still called the same (not so for letters, left and right shoes).
        crop: whether a part of the image with the boxes in it is still annotated wholly.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> task = detection("cells", ("red", "white"))
        >>> task.main_metric, sorted(task.invariant), sorted(task.equivariant)
        ('ap', [], ['crop', 'hflip'])
    """
    for what, given in (("names", names), ("attributes", attributes)):
        twice = sorted({one for one in given if list(given).count(one) > 1})
        if twice:
            raise ConfigError(f"detection {name!r}: {what}: got {twice} more than once; want each once")
    if not names:
        raise ConfigError(f"detection {name!r}: names: got none; want at least one")
    kept: dict[Invariance, bool] = {"hflip": hflip, "crop": crop}
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Boxes(tuple(names), tuple(attributes)),
        metrics=(*metrics, *ATTRIBUTE_METRICS) if attributes else metrics,
        category="detection",
        equivariant=frozenset(change for change, holds in kept.items() if holds),
    )
