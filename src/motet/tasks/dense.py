"""Maps: what each pixel shows, how far away it is, which way its surface faces, whether a thing ends there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from motet.core import ConfigError, Dense, Loss, Metric, Task
from motet.core.task import Invariance
from motet.metrics import (
    AngleWithin11,
    AngleWithin30,
    DepthAbsRel,
    DepthRMSE,
    DepthWithin,
    EdgeF1,
    EdgeF1Positive,
    MeanAngle,
    MeanIoU,
    PixelAccuracy,
)

Metrics: TypeAlias = tuple[Callable[[], Metric], ...]
LossFunction: TypeAlias = Callable[[Tensor, Any], Loss] | None

SEGMENTATION_METRICS: Metrics = (MeanIoU, PixelAccuracy)
DEPTH_METRICS: Metrics = (DepthRMSE, DepthAbsRel, DepthWithin)
NORMALS_METRICS: Metrics = (MeanAngle, AngleWithin11, AngleWithin30)
EDGE_METRICS: Metrics = (EdgeF1, EdgeF1Positive)


def semantic_segmentation(
    name: str = "segment",
    names: Sequence[str] = (),
    *,
    label: str = "segmentation",
    metrics: Metrics = SEGMENTATION_METRICS,
    loss: LossFunction = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """A task that names what each pixel shows; truth: (h, w) whole numbers, -1 where it is not known.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for cross entropy over the pixels with a class.
        hflip: whether a mirrored thing is still called the same.
        crop: whether a part of the image is as good to learn from.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> task = semantic_segmentation("camvid", ("sky", "road"))
        >>> task.main_metric, task.target.channels, sorted(task.equivariant)
        ('miou', 2, ['crop', 'hflip'])
    """
    twice = sorted({one for one in names if list(names).count(one) > 1})
    if twice or not names:
        got = f"{twice} more than once" if twice else "none"
        raise ConfigError(f"semantic_segmentation {name!r}: names: got {got}; want at least one, each once")
    return _dense(name, Dense(len(names), "class", tuple(names)), label, metrics, loss, hflip=hflip, crop=crop)


def depth(
    name: str = "depth",
    *,
    label: str = "depth",
    metrics: Metrics = DEPTH_METRICS,
    loss: LossFunction = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """A task that tells how far away what a pixel shows is, in metres; truth: (h, w), NaN where it is not known.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for the rotate loss (see `motet.losses.rotate_loss`); `motet.losses.BerHu()` is another.
        hflip: whether a mirrored image is as good to learn from.
        crop: whether a part of it is. Depth stays what it is when an image is cropped or resized; what a camera of
            another focal length would make of it is not told.

    Examples:
        >>> depth().target
        Dense(channels=1, unit='metre', names=())
    """
    return _dense(name, Dense(1, "metre"), label, metrics, loss, hflip=hflip, crop=crop)


def surface_normals(
    name: str = "normals",
    *,
    label: str = "normals",
    metrics: Metrics = NORMALS_METRICS,
    loss: LossFunction = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """A task that tells which way surfaces face; truth: (h, w, 3) unit vectors, NaN where they are not known.

    In the camera's axes: x to the right, y down, z out of the image towards the viewer. A mirrored image's normals
    have their x turned round, which a system that moves maps along sees to.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for the absolute difference.
        hflip: whether a mirrored image is as good to learn from.
        crop: whether a part of it is.

    Examples:
        >>> surface_normals().main_metric
        'angle'
    """
    return _dense(name, Dense(3, "unit vector"), label, metrics, loss, hflip=hflip, crop=crop)


def edges(
    name: str = "edges",
    *,
    label: str = "edges",
    metrics: Metrics = EDGE_METRICS,
    loss: LossFunction = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """A task that tells where edges are; truth: (h, w), from 0 to 1 (the share of annotators), NaN where unknown.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for the absolute difference; `motet.losses.balanced_l1` lets the few pixels of edges count as much as
            all others.
        hflip: whether a mirrored image is as good to learn from.
        crop: whether a part of it is.

    Examples:
        >>> edges("bsds").name, edges().main_metric
        ('bsds', 'edge_f1')
    """
    return _dense(name, Dense(1, "probability"), label, metrics, loss, hflip=hflip, crop=crop)


def _dense(
    name: str, target: Dense, label: str, metrics: Metrics, loss: LossFunction, *, hflip: bool, crop: bool
) -> Task:
    kept: dict[Invariance, bool] = {"hflip": hflip, "crop": crop}
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=target,
        metrics=metrics,
        category="dense",
        equivariant=frozenset(change for change, holds in kept.items() if holds),
        loss=loss,
    )
