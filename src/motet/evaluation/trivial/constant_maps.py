"""Trivial baselines of maps that read no image: one value everywhere, and the mean over training maps per place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import Dense, DenseMap, Example
from motet.evaluation.maps import resample

GRID = 32
"""Cells per side of the mean map, which is stretched to images of any size."""


def constant_maps(
    target: Dense, train: Sequence[tuple[Example, Any]], held_out: Sequence[tuple[Example, Any]]
) -> dict[str, list[DenseMap]]:
    """Predicts the same map for every held-out row, at the row's size, by name of the baseline.

    "constant": the most frequent class, the mean depth or the mean normal everywhere. Edges have "no edge" and "all
    edge" in its place. "mean map": the same per cell of a 32 x 32 grid over the image; an edge where most maps have
    one.

    Args:
        target: the kind of map.
        train: training rows with their maps.
        held_out: rows to predict.
    """
    grids = np.stack([resample(_squeeze_channel(annotation), (GRID, GRID)) for _, annotation in train])
    if not _known(grids, target).any():
        return {}
    sizes = [np.shape(annotation)[:2] for _, annotation in held_out]
    if target.unit == "probability":
        single = {"no edge": np.zeros(()), "all edge": np.ones(())}
    else:
        single = {"constant": _mean(grids.reshape(1, -1, *grids.shape[3:]), target)[0]}
    overall = next(iter(single.values()))
    by_place = np.moveaxis(grids.reshape(len(grids), GRID * GRID, *grids.shape[3:]), 0, 1)
    annotated = np.asarray(_known(by_place, target).any(axis=1))
    means = np.where(_add_axes(annotated, by_place.ndim - 1), _mean(by_place, target), overall)
    grid = means.reshape(GRID, GRID, *means.shape[1:])
    maps = {name: [DenseMap(np.broadcast_to(value, (*size, *value.shape)).copy()) for size in sizes]
            for name, value in single.items()}  # fmt: skip
    return maps | {"mean map": [DenseMap(resample(grid, size)) for size in sizes]}


def annotation_as_map(annotation: np.ndarray, target: Dense) -> DenseMap:
    """Returns an annotated map as a prediction, with its own mean or majority at pixels without annotation."""
    flat = _squeeze_channel(annotation)
    known = _known(flat[None], target)[0]
    value = _mean(flat[known][None], target)[0] if known.any() else np.zeros(flat.shape[2:], dtype=flat.dtype)
    return DenseMap(np.where(_add_axes(known, flat.ndim), flat, value))


def _mean(values: np.ndarray, target: Dense) -> np.ndarray:
    """Returns each row's mean or majority class over annotated values: (n, p) or (n, p, 3) to (n,) or (n, 3)."""
    known = _known(values, target)
    if target.unit == "class":
        counts = [
            np.bincount(row[annotated], minlength=target.channels) for row, annotated in zip(values, known, strict=True)
        ]
        return np.asarray(np.argmax(counts, axis=1))
    filled = np.where(_add_axes(known, values.ndim), values, 0.0).astype(np.float64)
    count = np.maximum(known.sum(axis=1), 1)
    return np.asarray(filled.sum(axis=1) / _add_axes(count, values.ndim - 1))


def _known(values: np.ndarray, target: Dense) -> np.ndarray:
    """Returns the mask of annotated values; channels, if any, are the last axis."""
    if target.unit == "class":
        return np.asarray(values >= 0)
    finite = np.isfinite(values)
    return np.asarray(finite.all(axis=-1) if target.unit == "unit vector" else finite)


def _add_axes(flags: np.ndarray, dims: int) -> np.ndarray:
    """Appends axes of size 1 up to a number of dimensions."""
    return flags.reshape(*flags.shape, *[1] * (dims - flags.ndim))


def _squeeze_channel(annotation: np.ndarray) -> np.ndarray:
    return annotation[..., 0] if annotation.ndim == 3 and annotation.shape[-1] == 1 else annotation
