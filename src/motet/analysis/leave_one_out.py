"""Interference on the same batches: a task's direction for batch b is the mean over all of its other batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from motet.analysis.gradients import Blocks, block_gradients, seed_dropout
from motet.analysis.interference import BatchProgress, Directions, Probes
from motet.core import Batch, System


def leave_one_out_probes(
    system: System,
    batches: Mapping[str, Iterable[Batch]],
    blocks: Blocks,
    directions: Sequence[Directions],
    *,
    seed: int = 0,
    progress: BatchProgress = lambda: None,
) -> list[Probes]:
    """Returns the probes of every task on the batches of the directions themselves.

        m_j without b = (n m_j - g_j(b) / |g_j(b)|) / (n - 1);   products[b, j] = (m_j without b) . g_i(b)

    It has half the rows of two disjoint sets of batches, and each direction is as independent of its batch. Place b is
    left out of the directions of all tasks, as in the code.

    Source: the official Uni-Perceiver, `tools/calinterference.ipynb`, which takes the gradients of one weight,
    `encoder.layers.{3,7,11}.ffn.dense2.weight`, on 100 batches per task.

    Args:
        system: inside `measurement_mode`.
        batches: of each task, those of its directions in the same order.
        blocks: the blocks of the directions.
        directions: of each task, in the order of `batches`.
        seed: of dropout, that of the directions.
        progress: called after every batch.

    Raises:
        MetricError: a gradient that is not finite.
    """
    device = next(system.parameters()).device
    means = {name: [one.unit[name].to(device) for one in directions] for name in blocks}
    count = {name: [one.counted[name] for one in directions] for name in blocks}
    products: list[dict[str, list[list[float]]]] = [{name: [] for name in blocks} for _ in directions]
    lengths: list[dict[str, list[float]]] = [{name: [] for name in blocks} for _ in directions]
    for index, drawn in enumerate(zip(*batches.values(), strict=True)):
        found: list[Mapping[str, Tensor]] = []
        for task, batch in zip(batches, drawn, strict=True):
            # The seed of the directions: what is left out must be what is in them.
            seed_dropout(seed, task, "directions", index)
            found.append(block_gradients(system, batch.to(device), task, blocks) or {})
            progress()
        for name, mean in means.items():
            own = [gradients.get(name) for gradients in found]
            others = [_without(m, n, left) for m, n, left in zip(mean, count[name], own, strict=True)]
            for i, gradient in enumerate(own):
                lengths[i][name].append(0.0 if gradient is None else float(gradient.norm()))
                products[i][name].append([0.0 if gradient is None else float(gradient @ m) for m in others])
    shape = (-1, len(directions))
    return [
        Probes(
            {name: np.array(rows, dtype=np.float64).reshape(shape) for name, rows in of_task.items()},
            {name: np.array(values, dtype=np.float64) for name, values in long.items()},
        )
        for of_task, long in zip(products, lengths, strict=True)
    ]


def _without(mean: Tensor, count: int, gradient: Tensor | None) -> Tensor:
    """Returns the mean direction of the other batches; that of all of them where this one has none."""
    length = 0.0 if gradient is None else float(gradient.norm())
    if gradient is None or not length:
        return mean
    left: Tensor = (count * mean - gradient / length) / max(count - 1, 1)
    return left if count > 1 else torch.zeros_like(mean)
