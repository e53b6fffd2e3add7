"""How much a step for one task helps or harms another: the interference of tasks in what they share, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.analysis.gradients import Blocks, block_gradients, seed_dropout
from motet.core import Batch, MetricError, System, rng_for

BatchProgress = Callable[[], None]
"""Told after every batch."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class Directions:
    """Where one task pulls each block, from its first batches.

    Args:
        unit: by block the mean of gradients of length 1, float32.
        mean: by block the mean gradient.
        counted: by block how many batches had a gradient there.
    """

    unit: Mapping[str, Float[Tensor, "p"]]
    mean: Mapping[str, Float[Tensor, "p"]]
    counted: Mapping[str, int]


@dataclass(frozen=True)
class Probes:
    """One task's further batches, against the directions of every task.

    Args:
        products: by block, of each batch's gradient with each task's direction.
        lengths: by block, of each batch's gradient; 0 where it has none.
    """

    products: Mapping[str, Float[np.ndarray, "b n"]]
    lengths: Mapping[str, Float[np.ndarray, "b"]]


@dataclass(frozen=True, kw_only=True)
class BlockNumbers:
    """One block. Rows are the tasks that are affected (i), columns those that a step is made for (j).

    What has no number is NaN: a task that does not touch the block, or too few batches for a spread.

    Args:
        ratios: I[i, j], the mean over batches of the ratio; the diagonal is 1.
        ratios_spread: the standard deviation of that mean, by bootstrap over batches.
        means: the ratio of the means; the diagonal is 1.
        means_spread: as above.
        cosines: the mean cosine of two batches, one of each task and never the same; on the diagonal it says how
            far two batches of one task agree.
        cosines_spread: as above.
        mean_cosines: of the tasks' mean gradients.
        counted: of each affected task the batches that count.
        against: the share of those that its own direction would make worse: near 0 where ratios can be trusted.
    """

    ratios: Float[np.ndarray, "n n"]
    ratios_spread: Float[np.ndarray, "n n"]
    means: Float[np.ndarray, "n n"]
    means_spread: Float[np.ndarray, "n n"]
    cosines: Float[np.ndarray, "n n"]
    cosines_spread: Float[np.ndarray, "n n"]
    mean_cosines: Float[np.ndarray, "n n"]
    counted: Int[np.ndarray, "n"]
    against: Float[np.ndarray, "n"]


@dataclass(frozen=True)
class Interference:
    """What was measured.

    Args:
        tasks: in order.
        blocks: shallow to deep.
    """

    tasks: tuple[str, ...]
    blocks: Mapping[str, BlockNumbers]

    def touched(self, block: str) -> tuple[str, ...]:
        """The tasks that have a gradient in a block."""
        own = np.isfinite(np.diagonal(self.blocks[block].ratios))
        return tuple(task for task, touches in zip(self.tasks, own, strict=True) if touches)


def directions_of(
    system: System, task: str, batches: Iterable[Batch], blocks: Blocks, *, seed: int = 0, progress: BatchProgress = lambda: None
) -> Directions:
    """The mean direction of a task's gradients in every block: one forward and backward pass a batch.

        m_j = mean over batches b of g_j(b) / |g_j(b)|

    Only sums are kept: twice the size of the blocks.

    Args:
        system: inside `measuring`.
        task: j.
        batches: of it.
        blocks: see `trained_blocks`.
        seed: of dropout, where the system is in training mode.
        tell: progress.

    Raises:
        MetricError: a gradient that is no number.
    """
    parameters = {name: sum(p.numel() for p in block) for name, block in blocks.items()}
    device = next(system.parameters()).device
    unit = {name: torch.zeros(size, device=device) for name, size in parameters.items()}
    mean = {name: torch.zeros(size, device=device) for name, size in parameters.items()}
    counted = dict.fromkeys(blocks, 0)
    for index, batch in enumerate(batches):
        seed_dropout(seed, task, "directions", index)
        gradients = block_gradients(system, batch.to(device), task, blocks)
        for name, gradient in (gradients or {}).items():
            length = float(gradient.norm())
            if length > 0:
                unit[name].add_(gradient, alpha=1 / length)
                mean[name].add_(gradient)
                counted[name] += 1
        progress()
    for name, count in counted.items():
        for summed in (unit[name], mean[name]):
            summed.div_(max(count, 1))
    return Directions(
        {name: value.cpu() for name, value in unit.items()},
        {name: value.cpu() for name, value in mean.items()},
        counted,
    )


def probes_of(
    system: System,
    task: str,
    batches: Iterable[Batch],
    blocks: Blocks,
    directions: Sequence[Directions],
    *,
    seed: int = 0,
    progress: BatchProgress = lambda: None,
) -> Probes:
    """Each batch's gradient against every task's direction: m_j . g_i(b) and |g_i(b)|.

    Args:
        system: inside `measuring`.
        task: i.
        batches: of it; others than those of its directions.
        blocks: the same.
        directions: of every task, in order.
        seed: of dropout, where the system is in training mode.
        tell: progress.

    Raises:
        MetricError: a gradient that is no number.
    """
    device = next(system.parameters()).device
    towards = {name: [one.unit[name].to(device) for one in directions] for name in blocks}
    products: dict[str, list[list[float]]] = {name: [] for name in blocks}
    lengths: dict[str, list[float]] = {name: [] for name in blocks}
    for index, batch in enumerate(batches):
        seed_dropout(seed, task, "probes", index)
        gradients = block_gradients(system, batch.to(device), task, blocks)
        for name in blocks:
            gradient = None if gradients is None else gradients[name]
            lengths[name].append(0.0 if gradient is None else float(gradient.norm()))
            products[name].append([0.0 if gradient is None else float(gradient @ m) for m in towards[name]])
        progress()
    shape = (-1, len(directions))
    return Probes(
        {name: np.array(rows, dtype=np.float64).reshape(shape) for name, rows in products.items()},
        {name: np.array(values, dtype=np.float64) for name, values in lengths.items()},
    )


def interference(
    tasks: Sequence[str], directions: Sequence[Directions], probes: Sequence[Probes], *, seed: int = 0
) -> Interference:
    """The interference of every task j on every task i, block by block.

        I[i, j] = mean over batches b of (m_j . g_i(b)) / (m_i . g_i(b))

    By how much the loss of task i falls with a small step for task j, over how much it falls with one as long for task
    i itself: 1 is as good as its own step, below 0 does harm. What is in the ratio of a batch is no expectation of that
    batch alone: m_i comes of other batches than b, so that the own step is as independent of b as that for task j; the
    paper's values beyond 1 show the same. A task's loss times a number leaves everything as it is.

    A denominator near 0 makes the mean of ratios unsteady; `BlockNumbers.means` has the ratio of the means,
    mean(m_j . g_i) / mean(m_i . g_i), which is not.

    Spreads are bootstraps over the batches b; the directions are taken as they are.

    Source: Zhu et al., "Uni-Perceiver-MoE" (NeurIPS 2022), equations 1 and 2, table 1. No code was released.

    Args:
        tasks: names.
        directions: of each.
        probes: of each.
        seed: of the bootstrap.

    Raises:
        MetricError: other numbers of tasks.
    """
    if not len(tasks) == len(directions) == len(probes):
        raise MetricError(
            f"interference: got {len(tasks)} tasks, {len(directions)} directions, {len(probes)} probes; want as many"
        )
    return Interference(
        tuple(tasks),
        {name: _block(tasks, directions, probes, name, seed) for name in (probes[0].lengths if probes else ())},
    )


def _block(
    tasks: Sequence[str], directions: Sequence[Directions], probes: Sequence[Probes], block: str, seed: int
) -> BlockNumbers:
    count = len(tasks)
    touches = np.array([one.counted[block] > 0 for one in directions])
    found = {
        name: np.full((count, count), np.nan)
        for name in ("ratios", "ratios_spread", "means", "means_spread", "cosines", "cosines_spread")
    }
    counted, against = np.zeros(count, dtype=np.int64), np.full(count, np.nan)
    for i, task in enumerate(tasks):
        products, lengths = probes[i].products[block], probes[i].lengths[block]
        # A batch that its own direction is at right angles to (a block of rows that it never reads) has no ratio.
        counts = (lengths > 0) & (products[:, i] != 0)
        counted[i] = counts.sum()
        if not touches[i] or not counted[i]:
            continue
        own = _of_task(products[counts], lengths[counts], i, rng_for("interference bootstrap", seed, task))
        for name, row in own.items():
            found[name][i] = np.where(touches, row, np.nan)
        against[i] = float((products[counts, i] < 0).mean())
    return BlockNumbers(**found, mean_cosines=_mean_cosines(directions, block), counted=counted, against=against)


def _of_task(
    products: Float[np.ndarray, "b n"], lengths: Float[np.ndarray, "b"], i: int, rng: np.random.Generator
) -> dict[str, Float[np.ndarray, "n"]]:
    """One row of every table."""
    batches = len(lengths)
    ratios, cosines = products / products[:, i : i + 1], products / lengths[:, None]
    drawn = rng.multinomial(batches, np.full(batches, 1 / batches), size=_RESAMPLES).astype(np.float64)
    summed = products.sum(0)
    resummed = drawn @ products
    with np.errstate(divide="ignore", invalid="ignore"):
        means, remeans = summed / summed[i], resummed / resummed[:, i : i + 1]
    return {
        "ratios": ratios.mean(0),
        "ratios_spread": _spread(drawn @ ratios / batches, batches),
        "means": np.where(np.isfinite(means), means, np.nan),
        "means_spread": _spread(remeans, batches),
        "cosines": cosines.mean(0),
        "cosines_spread": _spread(drawn @ cosines / batches, batches),
    }


def _spread(resampled: Float[np.ndarray, "r n"], batches: int) -> Float[np.ndarray, "n"]:
    if batches < 2 or not np.isfinite(resampled).all():
        return np.full(resampled.shape[1], np.nan)
    return np.asarray(resampled.std(0, ddof=1))


def _mean_cosines(directions: Sequence[Directions], block: str) -> Float[np.ndarray, "n n"]:
    means = [one.mean[block] for one in directions]
    lengths = [float(mean.norm()) for mean in means]
    found = np.full((len(means), len(means)), np.nan)
    for i, own in enumerate(means):
        for j, other in enumerate(means):
            if lengths[i] > 0 and lengths[j] > 0:
                found[i, j] = 1.0 if i == j else float(own @ other) / (lengths[i] * lengths[j])
    return found
