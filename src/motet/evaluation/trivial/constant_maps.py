"""Maps that look at no picture: one value everywhere, and what each place of a picture shows on the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from motet.core import Dense, DenseMap, Example
from motet.evaluation.maps import resample

GRID = 32
"""Places of a mean map a side, spread over pictures of any size."""


def constant_maps(
    target: Dense, train: Sequence[tuple[Example, Any]], held_out: Sequence[tuple[Example, Any]]
) -> dict[str, list[DenseMap]]:
    """Answers to held-out rows, each at its row's size, that are the same for every picture.

    "constant": the commonest class, the mean depth, the mean direction everywhere. Of edges there are two: "no edge"
    and "all edge". "mean map": the same, of each place of a picture on a grid of 32 x 32; an edge where most are.

    Args:
        target: what kind of map.
        train: rows whose maps may be looked at.
        held_out: rows to answer.
    """
    grids = np.stack([resample(_flat(truth), (GRID, GRID)) for _, truth in train])
    if not _known(grids, target).any():
        return {}
    sizes = [np.shape(annotation)[:2] for _, annotation in held_out]
    if target.unit == "probability":
        single = {"no edge": np.zeros(()), "all edge": np.ones(())}
    else:
        single = {"constant": _mean(grids.reshape(1, -1, *grids.shape[3:]), target)[0]}
    overall = next(iter(single.values()))
    by_place = np.moveaxis(grids.reshape(len(grids), GRID * GRID, *grids.shape[3:]), 0, 1)
    some = np.asarray(_known(by_place, target).any(axis=1))
    means = np.where(_unfolded(some, by_place.ndim - 1), _mean(by_place, target), overall)
    grid = means.reshape(GRID, GRID, *means.shape[1:])
    said = {name: [DenseMap(np.broadcast_to(value, (*size, *value.shape)).copy()) for size in sizes]
            for name, value in single.items()}  # fmt: skip
    return said | {"mean map": [DenseMap(resample(grid, size)) for size in sizes]}


def annotation_as_map(annotation: np.ndarray, target: Dense) -> DenseMap:
    """A true map said as an answer, with its own constant where it knows nothing."""
    flat = _flat(annotation)
    known = _known(flat[None], target)[0]
    value = _mean(flat[known][None], target)[0] if known.any() else np.zeros(flat.shape[2:], dtype=flat.dtype)
    return DenseMap(np.where(_unfolded(known, flat.ndim), flat, value))


def _mean(values: np.ndarray, target: Dense) -> np.ndarray:
    """The mean of each row of values over those that are known: (n, p) or (n, p, 3) to (n,) or (n, 3)."""
    known = _known(values, target)
    if target.unit == "class":
        counts = [np.bincount(row[there], minlength=target.channels) for row, there in zip(values, known, strict=True)]
        return np.asarray(np.argmax(counts, axis=1))
    shown = np.where(_unfolded(known, values.ndim), values, 0.0).astype(np.float64)
    count = np.maximum(known.sum(axis=1), 1)
    return np.asarray(shown.sum(axis=1) / _unfolded(count, values.ndim - 1))


def _known(values: np.ndarray, target: Dense) -> np.ndarray:
    """Where there is a truth, for maps whose channels, if they have some, come last."""
    if target.unit == "class":
        return np.asarray(values >= 0)
    finite = np.isfinite(values)
    return np.asarray(finite.all(axis=-1) if target.unit == "unit vector" else finite)


def _unfolded(flags: np.ndarray, dims: int) -> np.ndarray:
    """With axes of one behind, until it has so many."""
    return flags.reshape(*flags.shape, *[1] * (dims - flags.ndim))


def _flat(annotation: np.ndarray) -> np.ndarray:
    return annotation[..., 0] if annotation.ndim == 3 and annotation.shape[-1] == 1 else annotation
