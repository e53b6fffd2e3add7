"""Object detection, with or without attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from motet.core import Boxes, ConfigError, Metric, Task
from motet.core.errors import repeated
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
    """Returns a detection task over a list of names, evaluated by COCO's twelve numbers.

    It is invariant to nothing, since mirroring and cropping move the boxes. So the stored features of an augmented
    image are never used for it, because their annotations are not moved with them. A system that moves the boxes with
    the image may apply the augmentations in `Task.equivariant`.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        attributes: in the order of the reader's indices; with any, two more metrics follow.
        label: the annotation that holds the `BoxSet`.
        metrics: the first is the main one.
        hflip: whether a mirrored object keeps its class (not so for letters, or left and right shoes).
        crop: whether a crop of the image with the boxes in it is still completely annotated.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> task = detection("cells", ("red", "white"))
        >>> task.main_metric, sorted(task.invariant), sorted(task.equivariant)
        ('ap', [], ['crop', 'hflip'])
    """
    for field, values in (("names", names), ("attributes", attributes)):
        twice = repeated(values)
        if twice:
            raise ConfigError(f"detection {name!r}: {field}: got {twice} more than once; want each once")
    if not names:
        raise ConfigError(f"detection {name!r}: names: got none; want at least one")
    equivariances: dict[Invariance, bool] = {"hflip": hflip, "crop": crop}
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=Boxes(tuple(names), tuple(attributes)),
        metrics=(*metrics, *ATTRIBUTE_METRICS) if attributes else metrics,
        category="detection",
        equivariant=frozenset(change for change, holds in equivariances.items() if holds),
    )
