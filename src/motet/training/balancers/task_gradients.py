"""Balancers that combine one gradient per task of what the tasks share, not the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from motet.core import ConfigError, Losses, System
from motet.training.balancers.checks import check_tasks
from motet.training.balancers.live import BackwardCost, BalancerInfo, State, check_state
from motet.training.balancers.parts import forward_parts, loss_keys, losses_by_key, nonzero
from motet.training.balancers.seeds import seed_of
from motet.training.distributed import add_gradients, add_over_ranks


@dataclass(frozen=True)
class LiveGradients:
    """The gradients of the tasks at hand: those with a gradient that is not zero, two at least.

    Args:
        tasks: of the system, in its order.
        live: places of the tasks at hand.
        rows: their gradients of the shared parameters, over all parts and ranks, on the system's device.
        products: of every two of them, in 64 bits on the CPU.
        seed: of random draws; the same on every rank.
    """

    tasks: tuple[str, ...]
    live: Int[Tensor, "l"]
    rows: Float[Tensor, "l p"]
    products: Float[Tensor, "l l"]
    seed: int


@dataclass(frozen=True)
class Combined:
    """The update of the shared parameters.

    Args:
        gradient: on the scale of a sum over tasks.
        weights: of the tasks at hand in it, for the log; ones where it is no weighted sum.
        state: the method's new one.
    """

    gradient: Float[Tensor, "p"]
    weights: Float[Tensor, "l"]
    state: State


class GradientMethod:
    """The base of a balancer that combines the tasks' gradients of what they share; otherwise equal to `TaskMean`.

        shared    a combination of the g_t,    g_t = gradient of factor_t * mean_t
        own       sum over t of  g_t

    What the tasks share is `System.shared_blocks`. The gradients of each task are added over parts and ranks before
    they are combined, so any number of ranks gives what one process gives. A task whose gradient is zero, or that has
    no row in the update, is left out. With one task left the result is its plain gradient.

    Each update takes one backward pass per task and holds one gradient of the shared parameters per task; `motet plan`
    prints how much that is. A compiled system (`TrainConfig.compile`) frees its graph in the first backward pass, so
    the two cannot be combined.
    """

    info: ClassVar[BalancerInfo]

    def start(self, system: System) -> TaskGradients:
        """Returns the live balancer of a system.

        Raises:
            ConfigError: a system with fewer tasks than the method needs, or a package that is not installed.
        """
        return TaskGradients(self, system)

    def cost(self, system: System) -> BackwardCost:
        """Returns the cost for a system, before anything is run."""
        shared, _ = shared_and_own(system)
        return BackwardCost(len(system.tasks), 4 * len(system.tasks) * sum(p.numel() for p in shared))

    def min_tasks(self) -> int:
        """Returns the number of tasks below which the method cannot work: updates with fewer are plain sums."""
        return 2

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        """Returns the state before the first update, for so many tasks and shared numbers: none by default."""
        del tasks, width
        return {}

    def combine(self, found: LiveGradients, state: State) -> Combined:
        """Returns the update of the shared parameters, and the new state."""
        raise NotImplementedError


class TaskGradients:
    """The live balancer of a `GradientMethod`.

    Args:
        method: combines the gradients.
        system: whose tasks' gradients are combined.
    """

    forwards_after_step = False

    def __init__(self, method: GradientMethod, system: System) -> None:
        if len(system.tasks) < method.min_tasks() > 2:
            raise ConfigError(
                f"{type(method).__name__}: got {len(system.tasks)} tasks; want {method.min_tasks()} or more"
            )
        check_tasks(method, tuple(filter(None, (getattr(method, "primary", ""),))), system)
        self.method = method
        shared, _ = shared_and_own(system)
        self.state: State = method.initial_state(len(system.tasks), sum(p.numel() for p in shared))

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Leaves the combined gradient in ``.grad``; see `LiveBalancer`."""
        factors = system.task_weights()
        parts, weights, _ = forward_parts(losses, system)
        scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
        rows, used = task_rows(parts, system, {key: factors[key[0]] * one for key, one in scale.items()})
        shared, own = shared_and_own(system)
        add_gradients(own)
        products = (rows @ rows.T).double().cpu()
        live = (products.diagonal() > 0).nonzero().flatten()
        taken = torch.ones(len(rows), dtype=torch.float64)
        combined = rows.sum(0)
        if len(live) >= self.method.min_tasks():
            chosen = rows[live.to(rows.device)] if len(live) < len(rows) else rows
            found = LiveGradients(
                tuple(system.tasks), live, chosen, products[live][:, live].contiguous(), seed_of(losses)
            )
            result = self.method.combine(found, self.state)
            combined, taken[live], self.state = result.gradient, result.weights, result.state
        _write_gradients(shared, combined, used)
        return {name: factors[name] * weight for name, weight in zip(system.tasks, taken.tolist(), strict=True)}

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Does nothing."""

    def state_dict(self) -> State:
        """Returns the method's state."""
        return dict(self.state)

    def load_state_dict(self, state: State) -> None:
        """Continues from a state."""
        check_state(type(self.method).__name__, state, self.state)
        self.state = dict(state)


def task_rows(
    parts: Sequence[Losses], system: System, scale: Mapping[tuple[str, str], Tensor]
) -> tuple[Float[Tensor, "t p"], Float[Tensor, "n"]]:
    """Returns each task's gradient of the shared parameters over parts and ranks, and which parameters are used.

    Gradients of the tasks' own parameters are left in ``.grad``, of this rank alone.

    Args:
        parts: losses of the update.
        system: the system to train.
        scale: factor of each loss, by the keys of `loss_keys`.
    """
    shared, own = shared_and_own(system)
    device = next(system.parameters()).device
    rows = torch.zeros(len(system.tasks), sum(p.numel() for p in shared), device=device)
    used = torch.zeros(len(shared), device=device)
    for part in parts:
        totals = task_totals(part, scale)
        for place, (task, total) in enumerate(totals.items()):
            last = place == len(totals) - 1
            found = torch.autograd.grad(total, [*shared, *own], retain_graph=not last, allow_unused=True)
            row = torch.split(rows[list(system.tasks).index(task)], [p.numel() for p in shared])
            for index, gradient in enumerate(found[: len(shared)]):
                if gradient is not None:
                    row[index].add_(gradient.reshape(-1))
                    used[index] = 1
            for parameter, gradient in zip(own, found[len(shared) :], strict=True):
                if gradient is not None:
                    parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
    if shared:
        add_over_ranks(rows)
        add_over_ranks(used)
    return rows, used


def shared_and_own(system: System) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Returns the trained parameters that tasks share, and the other trained ones."""
    shared = [p for block in system.shared_blocks().values() for p in block if p.requires_grad]
    ids = {id(p) for p in shared}
    return shared, [p for p in system.parameters() if p.requires_grad and id(p) not in ids]


def task_totals(part: Losses, scale: Mapping[tuple[str, str], Tensor]) -> dict[str, Tensor]:
    """Returns each task's loss in a part, terms included, times the scale of its sums."""
    totals: dict[str, Tensor] = {}
    for key, loss in losses_by_key(part).items():
        if loss.total.requires_grad:
            scaled = loss.total * scale[key]
            totals[key[0]] = scaled if key[0] not in totals else totals[key[0]] + scaled
    return totals


def _write_gradients(shared: Sequence[nn.Parameter], combined: Float[Tensor, "p"], used: Tensor) -> None:
    """Writes the combined gradient to ``.grad``; a parameter without use gets none, so that no optimiser moves it."""
    parts = torch.split(combined, [p.numel() for p in shared]) if shared else ()
    for parameter, part, somewhere in zip(shared, parts, (used > 0).tolist(), strict=True):
        if somewhere:
            parameter.grad = part.view_as(parameter).to(parameter.dtype, copy=True)
