"""Task affinities from gradients (TROA, section 3.2.1)."""

from __future__ import annotations

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float, Int
from torch import Tensor

from motet.core import rng_for
from motet.core.ranks import world
from motet.systems.vit_adapters.options import Affinities, FixedAffinities


def initial_affinities(affinities: Affinities, num_tasks: int) -> Float[Tensor, "n n"]:
    """Returns the matrix that training starts with: row t holds the shares that task t takes from each task.

    Examples:
        >>> initial_affinities(FixedAffinities("one-hot"), 2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if isinstance(affinities, FixedAffinities) and affinities.start == "one-hot":
        return torch.eye(num_tasks)
    return torch.full((num_tasks, num_tasks), 1 / num_tasks)


def update_affinities(
    affinities: Float[Tensor, "n n"],
    cosines: Float[Tensor, "n n"],
    present: Bool[Tensor, "n"],
    *,
    kappa: float = 1.0,
    sign: int = 1,
    diagonal: bool = True,
    floor: float = 0.0,
) -> Float[Tensor, "n n"]:
    """Does one step of mirror descent on each task's row.

        w[t, n] <- w[t, n] exp(sign kappa cos[t, n]) / sum over n' of w[t, n'] exp(sign kappa cos[t, n'])

    Source: algorithm 1, which has sign = -1: tasks whose gradients agree would lose, and a task itself most of all,
    against its own figure 4. The code that it builds on (Chen et al., "Weighted Training for Cross-Task Learning",
    ICLR 2022) descends along minus the cosine, which is sign = +1, our default.

    Tasks without a target in the batches have no gradient: their rows stay, and so do their shares of the other rows.

    Args:
        affinities: w, rows sum to 1.
        cosines: between the gradients of every two tasks.
        present: True for tasks that had a gradient.
        kappa: step size.
        sign: +1 or -1, see above.
        diagonal: whether a task's own share moves too.
        floor: each share is at least this divided by the number of tasks.

    Examples:
        >>> w = torch.full((2, 2), 0.5)
        >>> update_affinities(w, torch.eye(2), torch.tensor([True, True]))[0].softmax(0).argmax().item()
        0
    """
    moved = affinities * torch.exp(sign * kappa * cosines)
    moves = present[:, None] & present[None, :]
    if not diagonal:
        moves = moves & ~torch.eye(len(affinities), dtype=torch.bool, device=affinities.device)
    here = moves.to(affinities.dtype)
    mass = (affinities * here).sum(1, keepdim=True)
    total = (moved * here).sum(1, keepdim=True).clamp_min(torch.finfo(affinities.dtype).tiny)
    return _with_floor(torch.where(moves, moved * mass / total, affinities), floor / len(affinities))


def _with_floor(shares: Float[Tensor, "n n"], least: float) -> Float[Tensor, "n n"]:
    """Raises shares below `least` to it, and takes what that adds from the part of each row that is above it."""
    if least <= 0:
        return shares
    above = (shares - least).clamp_min(0)
    total = above.sum(1, keepdim=True).clamp_min(torch.finfo(shares.dtype).tiny)
    return least + above * (1 - least * shares.shape[1]) / total


def gradient_cosines(products: Float[Tensor, "n n"]) -> tuple[Float[Tensor, "n n"], Bool[Tensor, "n"]]:
    """Returns cosines from the products of every two gradients, and a mask of the tasks that have a gradient.

    Examples:
        >>> gradients = torch.tensor([[1.0, 0.0], [2.0, 2.0], [0.0, 0.0]])
        >>> cosines, present = gradient_cosines(gradients @ gradients.T)
        >>> present.tolist(), round(float(cosines[0, 1]), 4)
        ([True, True, False], 0.7071)
    """
    lengths = products.diagonal().clamp_min(0).sqrt()
    present = lengths > 0
    safe = torch.where(present, lengths, 1.0)
    return products / (safe[:, None] * safe[None, :]), present


def sum_over_ranks(values: Tensor) -> Tensor:
    """Sums values over ranks, in place; every rank calls it, also one without a batch."""
    if world() > 1:
        dist.all_reduce(values)
    return values


def random_order(num_tasks: int, step: int) -> Int[Tensor, "n n"]:
    """Returns a random order of each task's row, drawn by the step alone, so that it is the same on every rank."""
    rng = rng_for("affinities", step)
    return torch.stack([torch.from_numpy(rng.permutation(num_tasks)) for _ in range(num_tasks)])
