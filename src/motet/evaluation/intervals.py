"""Confidence intervals of metrics by a bootstrap over images, and the bootstrap itself, which runs keep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from motet.core import Metric, rng_for

_CHUNK_SIZE = 4_000_000  # draws x rows in memory at a time, 32 MB


@dataclass(frozen=True)
class Bootstrap:
    """A metric over bootstrap samples of the evaluated images.

    Draw i has the same images for every system that was evaluated on these images: the difference of two systems, draw
    by draw, is the paired bootstrap of their difference.

    Args:
        values: one per draw, in the metric's unit.
        images: digest of the images that were drawn from.
    """

    values: Float[np.ndarray, " draws"]
    images: str

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Returns the percentile interval."""
        low, high = np.quantile(self.values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def bootstrap(metric: Metric, images: Mapping[str, Sequence[str]], *, draws: int = 1_000, seed: int = 0) -> Bootstrap:
    """Returns a metric over bootstrap samples of images, not rows.

    Rows of one image are drawn together, since five questions about an image are not five independent images. A row
    without an image is a group of its own.

    Args:
        metric: with its rows added.
        images: row id to image ids.
        draws: number of bootstrap samples.
        seed: of the draws; equal images and seed give equal draws, also for two systems.
    """
    ids = sorted(metric.rows)
    groups = sorted({_group(i, images) for i in ids})
    place = {group: number for number, group in enumerate(groups)}
    member = np.array([place[_group(i, images)] for i in ids])
    rng = rng_for("bootstrap", seed, len(groups))
    values: list[np.ndarray] = []
    left = draws
    while left:
        now = max(1, min(left, _CHUNK_SIZE // len(ids)))
        drawn = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=now)
        values.append(metric.draws(ids, drawn[:, member]))
        left -= now
    digest = hashlib.sha256(repr((seed, groups)).encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return Bootstrap(np.concatenate(values), digest)


def _group(row_id: str, images: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(images.get(row_id, ())) or (row_id,)
