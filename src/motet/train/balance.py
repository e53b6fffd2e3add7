"""Several losses to one gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from motet.core import ConfigError, Losses, System, nearest
from motet.core.ranks import world
from motet.train.distributed import add_gradients, add_over_ranks


class Balancer(Protocol):
    """Turns the losses of one update into ``.grad`` of every parameter, over all ranks."""

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Leaves the gradient in ``.grad``; every rank calls it, also one without a batch.

        Gradients are added over ranks in here (`add_gradients`), since a method that compares the gradients of tasks
        must add each before it combines them.

        Args:
            losses: one for each part of a batch this rank holds; asking for an item runs the forward pass, and may be
                done again (without gradients, to learn the weights first).
            system: what is trained.

        Returns:
            What each task's loss was multiplied with, for the log.
        """
        ...


@dataclass(frozen=True)
class RowMean:
    """Every row counts the same whatever its task: sum of all totals / sum of all weights.

    The LiT decoder's loss: with it, mixing probabilities mean what they say. Totals and weights are added over rows,
    held-back parts and ranks, then divided once.
    """

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        parameters = list(system.parameters())
        if len(losses) == 1 and world() == 1:
            only = losses[0]
            _backward(only, dict.fromkeys(only.tasks, 1 / _nonzero(_weights([only], system).sum())), factors)
            return factors
        weights = _weights([], system)
        for part in losses:
            weights += _weights([part], system)
            _backward(part, dict.fromkeys(part.tasks, 1.0), factors)
        add_gradients(parameters)
        weight = _nonzero(add_over_ranks(weights).sum())
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.div_(weight)
        return factors


@dataclass(frozen=True)
class Weighted:
    """Each task's mean times its number, added: sum over t of w_t * total_t / weight_t.

    A task that is in no row of the update adds nothing; the others are not scaled up for it.

    Args:
        by_task: w_t by task name; 1 for those not named.

    Raises:
        ConfigError: a negative number.
    """

    by_task: Mapping[str, float]

    def __post_init__(self) -> None:
        for name, weight in self.by_task.items():
            if not weight >= 0:
                raise ConfigError(f"Weighted: {name}: got {weight}; want 0 or more")

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        for name in self.by_task:
            if name not in system.tasks:
                raise ConfigError(f"Weighted: got {name!r}, which is no task; {nearest(name, system.tasks)}")
        factors = {name: weight * self.by_task.get(name, 1.0) for name, weight in system.task_weights().items()}
        _backward_of_means(losses, system, factors)
        return factors


@dataclass(frozen=True)
class TaskMean:
    """Each task's mean, added: sum over t of total_t / weight_t. UniT's loss.

    With several tasks in one update and batches cut in parts, the forward pass runs twice: every task is divided by
    a weight that is only known when all parts have been seen.
    """

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        _backward_of_means(losses, system, factors)
        return factors


def _backward_of_means(losses: Sequence[Losses], system: System, factors: Mapping[str, float]) -> None:
    """Leaves the gradient of the sum over tasks of factor * total / weight, over all parts and ranks."""
    held: Sequence[Losses]
    if len(losses) == 1:
        held = [losses[0]]
        weights = _weights(held, system)
    else:
        held = losses
        with torch.no_grad():
            weights = _weights(held, system)
    inverse = 1 / _nonzero(add_over_ranks(weights))
    for part in held:
        _backward(part, dict(zip(system.tasks, inverse.unbind(), strict=True)), factors)
    add_gradients(system.parameters())


def _weights(parts: Iterable[Losses], system: System) -> Tensor:
    """The weights of all parts by task, in the system's order, added in 64 bits where the device has them."""
    device = next(system.parameters()).device
    weights = torch.zeros(
        len(system.tasks), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device
    )
    places = {name: place for place, name in enumerate(system.tasks)}
    for part in parts:
        for name, loss in part.tasks.items():
            weights[places[name]] += loss.weight.detach().to(weights)
    return weights


def _nonzero(weight: Tensor) -> Tensor:
    """Where nothing counts the total is 0 as well; 0 / 0 must not reach the gradients."""
    return weight.clamp(min=torch.finfo(torch.float32).tiny)


def _backward(part: Losses, scale: Mapping[str, Tensor | float], factors: Mapping[str, float]) -> None:
    terms = [loss.total * factors[name] * scale[name] for name, loss in part.tasks.items() if loss.total.requires_grad]
    if terms:
        torch.stack(terms).sum().backward()  # type: ignore[no-untyped-call]
