"""Dense prediction: semantic segmentation, depth, surface normals and edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from motet.core import ConfigError, Dense, Metric, Task
from motet.core.errors import repeated
from motet.core.task import Invariance, LossFunction
from motet.metrics import (
    AngleWithin11,
    AngleWithin30,
    DepthAbsRel,
    DepthRMSE,
    DepthWithin,
    EdgeF1,
    EdgeF1Positive,
    MeanAngleDeg,
    MeanIoU,
    OdsF,
    OisF,
    PixelAccuracy,
)

Metrics: TypeAlias = tuple[Callable[[], Metric], ...]

SEGMENTATION_METRICS: Metrics = (MeanIoU, PixelAccuracy)
DEPTH_METRICS: Metrics = (DepthRMSE, DepthAbsRel, DepthWithin)
NORMALS_METRICS: Metrics = (MeanAngleDeg, AngleWithin11, AngleWithin30)
EDGE_METRICS: Metrics = (EdgeF1, EdgeF1Positive)
BOUNDARY_METRICS: Metrics = (OdsF, OisF, EdgeF1, EdgeF1Positive)
"""With a tolerance, as of BSDS500; each predicted map is thinned and matched at 33 thresholds, which takes seconds."""


def semantic_segmentation(
    name: str = "segment",
    names: Sequence[str] = (),
    *,
    label: str = "segmentation",
    metrics: Metrics = SEGMENTATION_METRICS,
    loss: LossFunction | None = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """Returns a semantic segmentation task; its annotation is (h, w) class indices, -1 for ignored pixels.

    Args:
        name: the task's key.
        names: the classes, in the order of the reader's indices.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for cross entropy over the annotated pixels.
        hflip: whether training may mirror an image with its map.
        crop: whether training may crop an image with its map.

    Raises:
        ConfigError: no name, or a name twice.

    Examples:
        >>> task = semantic_segmentation("camvid", ("sky", "road"))
        >>> task.main_metric, task.target.channels, sorted(task.equivariant)
        ('miou', 2, ['crop', 'hflip'])
    """
    twice = repeated(names)
    if twice or not names:
        got = f"{twice} more than once" if twice else "none"
        raise ConfigError(f"semantic_segmentation {name!r}: names: got {got}; want at least one, each once")
    return _dense(name, Dense(len(names), "class", tuple(names)), label, metrics, loss, hflip=hflip, crop=crop)


def depth(
    name: str = "depth",
    *,
    label: str = "depth",
    metrics: Metrics = DEPTH_METRICS,
    loss: LossFunction | None = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """Returns a depth estimation task; its annotation is (h, w) metres, NaN where it is unknown.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for the rotate loss (see `motet.losses.rotate_loss`); `motet.losses.BerHu()` is another.
        hflip: whether training may mirror an image with its map.
        crop: whether training may crop an image with its map. Cropping and resizing keep the metres, so they do not
            simulate a camera of another focal length.

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
    loss: LossFunction | None = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """Returns a surface normal task; its annotation is (h, w, 3) unit vectors, NaN where they are unknown.

    In the camera's axes: x to the right, y down, z out of the image towards the viewer. The normals of a mirrored image
    have the opposite sign of x; a system that mirrors maps must change it.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one.
        loss: None for the absolute difference.
        hflip: whether training may mirror an image with its map.
        crop: whether training may crop an image with its map.

    Examples:
        >>> surface_normals().main_metric
        'mean_angle_deg'
    """
    return _dense(name, Dense(3, "unit vector"), label, metrics, loss, hflip=hflip, crop=crop)


def edges(
    name: str = "edges",
    *,
    label: str = "edges",
    metrics: Metrics = EDGE_METRICS,
    loss: LossFunction | None = None,
    hflip: bool = True,
    crop: bool = True,
) -> Task:
    """Returns an edge detection task; its annotation is (h, w) shares of annotators from 0 to 1, NaN where unknown.

    Args:
        name: the task's key.
        label: the annotation that holds the map.
        metrics: the first is the main one; `BOUNDARY_METRICS` allow edges to be some pixels beside the annotation.
        loss: None for the absolute difference; `motet.losses.balanced_l1` gives the few pixels of edges as much weight
            as all others together, and so does `motet.losses.WeightedCrossEntropy()`, whose predictions are graded.
        hflip: whether training may mirror an image with its map.
        crop: whether training may crop an image with its map.

    Examples:
        >>> edges("bsds").name, edges().main_metric
        ('bsds', 'edge_f1')
    """
    return _dense(name, Dense(1, "probability"), label, metrics, loss, hflip=hflip, crop=crop)


def _dense(
    name: str, target: Dense, label: str, metrics: Metrics, loss: LossFunction | None, *, hflip: bool, crop: bool
) -> Task:
    equivariances: dict[Invariance, bool] = {"hflip": hflip, "crop": crop}
    return Task(
        name=name,
        inputs=frozenset({"image"}),
        label=label,
        target=target,
        metrics=metrics,
        category="dense",
        equivariant=frozenset(change for change, holds in equivariances.items() if holds),
        loss=loss,
    )
