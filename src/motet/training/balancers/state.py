"""Pieces of balancers with a memory: Adam on a few numbers, weights on a simplex, numbers of the tasks at hand."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.training.balancers.live import State

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


def adam_state(tasks: int) -> dict[str, Tensor]:
    """Returns the state of `adam_step` before the first: two moments and the number of steps, per task."""
    return {name: torch.zeros(tasks, dtype=torch.float64) for name in ("adam_mean", "adam_square", "adam_steps")}


def adam_step(
    values: Float[Tensor, "t"],
    gradient: Float[Tensor, "l"],
    state: State,
    live: Int[Tensor, "l"],
    *,
    lr: float,
    weight_decay: float = 0.0,
) -> tuple[Float[Tensor, "t"], dict[str, Tensor]]:
    """Returns values after one step of Adam, and Adam's new state; only the tasks at hand move.

    Args:
        values: one per task.
        gradient: of the tasks at hand.
        state: as of `adam_state`, maybe among others.
        live: places of the tasks at hand.
        lr: learning rate.
        weight_decay: added to the gradient, as `torch.optim.Adam` does.

    Source: Kingma and Ba, "Adam", ICLR 2015, algorithm 1.
    """
    new = {name: state[name].clone() for name in adam_state(0)}
    gradient = gradient + weight_decay * values[live]
    new["adam_steps"][live] += 1
    new["adam_mean"][live] += (1 - _BETA1) * (gradient - new["adam_mean"][live])
    new["adam_square"][live] = _BETA2 * new["adam_square"][live] + (1 - _BETA2) * gradient**2
    steps = new["adam_steps"][live]
    mean, square = new["adam_mean"][live] / (1 - _BETA1**steps), new["adam_square"][live] / (1 - _BETA2**steps)
    moved = values.clone()
    moved[live] -= lr * mean / (square.sqrt() + _EPS)
    return moved, new


def on_simplex(point: Float[Tensor, "t"]) -> Float[Tensor, "t"]:
    """Returns the nearest point with entries of 0 or more that add up to 1.

    Source: Wang and Carreira-Perpinan, "Projection onto the probability simplex", 2013, algorithm 1.

    Examples:
        >>> on_simplex(torch.tensor([0.5, 1.5])).tolist(), on_simplex(torch.tensor([0.0, 0.0])).tolist()
        ([0.0, 1.0], [0.5, 0.5])
    """
    ordered = point.sort(descending=True).values
    excess = (ordered.cumsum(0) - 1) / torch.arange(1, len(point) + 1, dtype=point.dtype)
    return (point - excess[int((ordered > excess).sum()) - 1]).clamp(min=0)


def generator(seed: int) -> torch.Generator:
    """Returns a generator on the CPU: the same draws on every rank and device, and nobody else's are disturbed."""
    return torch.Generator().manual_seed(seed)
