"""Interference of tasks: the effect of a gradient step for one task on the loss of another, per shared block."""

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
"""A callback without arguments, called after every batch."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class Directions:
    """The mean gradient directions of one task per block, from its first batches.

    Args:
        unit: by block, the mean of the gradients scaled to length 1, float32.
        mean: by block, the mean gradient.
        counted: by block, the number of batches with a gradient there.
    """

    unit: Mapping[str, Float[Tensor, "p"]]
    mean: Mapping[str, Float[Tensor, "p"]]
    counted: Mapping[str, int]


@dataclass(frozen=True)
class Probes:
    """The gradients of one task's further batches, projected on the directions of every task.

    Args:
        products: by block, the dot product of each batch's gradient with each task's direction.
        lengths: by block, the length of each batch's gradient; 0 if it has none.
    """

    products: Mapping[str, Float[np.ndarray, "b n"]]
    lengths: Mapping[str, Float[np.ndarray, "b"]]


@dataclass(frozen=True, kw_only=True)
class BlockNumbers:
    """The interference in one block; rows are the affected tasks (i), columns the tasks that a step is made for (j).

    A value is NaN if a task has no gradient in the block, or if there are too few batches for a spread.

    Args:
        ratios: I[i, j], the mean over batches of the ratio; the diagonal is 1.
        ratios_spread: the standard deviation of that mean, by bootstrap over batches.
        means: the ratio of the means; the diagonal is 1.
        means_spread: its standard deviation, likewise.
        cosines: the mean cosine of two batches, one of each task and never the same; on the diagonal it shows the
            agreement of two batches of one task.
        cosines_spread: its standard deviation, likewise.
        mean_cosines: the cosines of the tasks' mean gradients.
        counted: the number of batches that count, per affected task.
        against: the share of them whose loss a step in the task's own direction would increase; ratios are reliable if
            it is near 0.
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
    """The measured interference of tasks.

    Args:
        tasks: names, in order.
        blocks: by name, shallow to deep.
    """

    tasks: tuple[str, ...]
    blocks: Mapping[str, BlockNumbers]

    def touched(self, block: str) -> tuple[str, ...]:
        """Returns the tasks that have a gradient in a block."""
        own = np.isfinite(np.diagonal(self.blocks[block].ratios))
        return tuple(task for task, touches in zip(self.tasks, own, strict=True) if touches)


def directions_of(
    system: System,
    task: str,
    batches: Iterable[Batch],
    blocks: Blocks,
    *,
    seed: int = 0,
    progress: BatchProgress = lambda: None,
) -> Directions:
    """Returns the mean direction of a task's gradients per block, with one forward and backward pass per batch.

        m_j = mean over batches b of g_j(b) / |g_j(b)|

    It needs memory for two sums of the size of the blocks.

    Args:
        system: inside `measurement_mode`.
        task: j.
        batches: batches of task j.
        blocks: see `trained_blocks`.
        seed: of dropout, if the system is in training mode.
        progress: called after every batch.

    Raises:
        MetricError: a gradient that is not finite.
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
    """Returns the dot product of each batch's gradient with every task's direction, m_j . g_i(b), and |g_i(b)|.

    Args:
        system: inside `measurement_mode`.
        task: i.
        batches: batches of task i, other than those of its directions.
        blocks: the blocks of the directions.
        directions: directions of every task, in order.
        seed: of dropout, if the system is in training mode.
        progress: called after every batch.

    Raises:
        MetricError: a gradient that is not finite.
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
    """Computes the interference of every task j with every task i, per block.

        I[i, j] = mean over batches b of (m_j . g_i(b)) / (m_i . g_i(b))

    It is the decrease of task i's loss by a small step for task j, divided by that of a step of the same length for
    task i itself: 1 is as good as its own step, below 0 is harmful. The directions m_i come from other batches than b,
    so that task i's own step is as independent of b as that of task j; the paper's values above 1 show the same.
    Scaling a task's loss changes nothing.

    A denominator near 0 makes the mean of ratios unstable; `BlockNumbers.means` has the ratio of the means,
    mean(m_j . g_i) / mean(m_i . g_i), which is stable.

    Spreads are bootstraps over the batches b; the directions are fixed.

    Source: Zhu et al., "Uni-Perceiver-MoE" (NeurIPS 2022), equations 1 and 2, table 1. The official
    `tools/calinterference.ipynb` measures directions and probes on the same batches, each without itself: see
    `leave_one_out.leave_one_out_probes`.

    Args:
        tasks: names.
        directions: directions of each task.
        probes: probes of each task.
        seed: of the bootstrap.

    Raises:
        MetricError: the three have different lengths.
    """
    if not len(tasks) == len(directions) == len(probes):
        raise MetricError(
            f"interference: got {len(tasks)} tasks, {len(directions)} directions, {len(probes)} probes; want one "
            "direction and one probe per task"
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
        # A gradient orthogonal to its own direction (a block of rows that the batch never reads) has no ratio.
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
    """Returns one row of every table."""
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
