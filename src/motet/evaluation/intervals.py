"""Confidence intervals of metrics by a bootstrap over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from motet.core import Metric, rng_for

_CHUNK_SIZE = 4_000_000  # draws x rows in memory at a time, 32 MB


def bootstrap_interval(
    metric: Metric, images: Mapping[str, Sequence[str]], *, draws: int = 1_000, seed: int = 0
) -> tuple[float, float]:
    """Returns the 95 % percentile interval of a metric by a bootstrap over images, not rows.

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
    low, high = np.percentile(np.concatenate(values), [2.5, 97.5])
    return float(low), float(high)


def _group(row_id: str, images: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(images.get(row_id, ())) or (row_id,)
