"""Balancers that weight the tasks by the values of their losses: one backward pass, whatever the number of tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Losses, System
from motet.training.balancers.checks import (
    check_positive,
    check_tasks,
)
from motet.training.balancers.live import BackwardCost, BalancerInfo, State, check_state
from motet.training.balancers.parts import backward_part, forward_parts, loss_keys, nonzero
from motet.training.balancers.seeds import seed_of
from motet.training.balancers.state import generator
from motet.training.distributed import add_gradients


@dataclass(frozen=True)
class TaskLosses:
    """The losses of one update over all parts and ranks, in 64 bits on the CPU.

    Args:
        tasks: of the system, in its order.
        means: each task's mean, terms included; 0 for a task without rows.
        live: places of the tasks that have rows in the update; at least one.
        seed: of random draws; the same on every rank.
    """

    tasks: tuple[str, ...]
    means: Float[Tensor, "t"]
    live: Int[Tensor, "l"]
    seed: int


class LossWeighting:
    """The base of a balancer that computes each task's weight from the losses, and maybe from what it remembers."""

    info: ClassVar[BalancerInfo]
    forwards_after_step: ClassVar[bool] = False

    def start(self, system: System) -> WeightedLosses:
        """Returns the live balancer of a system. Raises ConfigError if a value names no task."""
        return WeightedLosses(self, system)

    def cost(self, system: System) -> BackwardCost:
        """Returns that of one backward pass."""
        del system
        return BackwardCost(1, 0)

    def initial_state(self, tasks: int) -> dict[str, Tensor]:
        """Returns the state before the first update: none by default."""
        del tasks
        return {}

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        """Returns the weight of each task at hand, and the new state."""
        raise NotImplementedError

    def after(self, found: TaskLosses, state: State) -> State:
        """Returns the new state once the losses after the optimiser's step are known."""
        del found
        return state


class WeightedLosses:
    """The live balancer of a `LossWeighting`.

    Args:
        method: computes the weights.
        system: whose tasks are weighted.
    """

    def __init__(self, method: LossWeighting, system: System) -> None:
        check_tasks(method, tuple(getattr(method, "preference", ())), system)
        self.method = method
        self.state: State = method.initial_state(len(system.tasks))

    @property
    def forwards_after_step(self) -> bool:
        """True if the method reads the losses once more after the optimiser's step."""
        return self.method.forwards_after_step

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Leaves the gradient of the weighted sum; see `LiveBalancer`."""
        parts, weights, totals = forward_parts(losses, system)
        factors = dict(system.task_weights())
        found = task_losses(system, weights, totals, seed_of(losses))
        if len(found.live):
            own, self.state = self.method.weights(found, self.state)
            for place, weight in zip(found.live.tolist(), own.tolist(), strict=True):
                factors[found.tasks[place]] *= weight
        scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
        for part in parts:
            backward_part(part, scale, factors)
        add_gradients(system.parameters())
        return factors

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Gives the method the losses after the step; see `LiveBalancer`."""
        _, weights, totals = forward_parts(losses, system)
        found = task_losses(system, weights, totals, seed_of(losses))
        if len(found.live):
            self.state = self.method.after(found, self.state)

    def state_dict(self) -> State:
        """Returns the method's state."""
        return dict(self.state)

    def load_state_dict(self, state: State) -> None:
        """Continues from a state."""
        check_state(type(self.method).__name__, state, self.state)
        self.state = dict(state)


def task_losses(system: System, weights: Tensor, totals: Tensor, seed: int) -> TaskLosses:
    """Returns each task's mean over parts and ranks, from the sums of `forward_parts`."""
    values = (totals / nonzero(weights)).double().cpu()
    tasks = tuple(system.tasks)
    means = torch.zeros(len(tasks), dtype=torch.float64)
    for (task, _), value in zip(loss_keys(system), values, strict=True):
        means[tasks.index(task)] += value
    live = (weights[: len(tasks)].cpu() > 0).nonzero().flatten()
    return TaskLosses(tasks, means, live, seed)


def slopes(value: Callable[[Tensor], Tensor], losses: Float[Tensor, "l"]) -> Float[Tensor, "l"]:
    """Returns the derivative of a scalar function of the losses by each of them: the weights of their gradients."""
    with torch.enable_grad():
        given = losses.detach().requires_grad_()
        (found,) = torch.autograd.grad(value(given), given)
    return found


@dataclass(frozen=True)
class MeanOfTasks(LossWeighting):
    """The tasks' means, averaged over the tasks at hand: `TaskMean` divided by their number. torchjd's `Mean`."""

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="plain average; torchjd Mean")

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        return torch.full((len(found.live),), 1 / len(found.live), dtype=torch.float64), state


@dataclass(frozen=True)
class Uncertainty(LossWeighting):
    """Each task's mean divided by twice itself: what learned uncertainties of the tasks come to, at their optimum.

        min over s of  sum over t of  exp(-s_t) / 2 * L_t + s_t / 2    is at  exp(-s_t) = 1 / L_t
        so the gradient is  sum over t of  g_t / (2 L_t),  which is that of  sum over t of  log(L_t) / 2

    Kendall et al. learn the log-variances s_t beside the model (`UW`). This balancer remembers nothing, and needs not:
    for any losses the best s_t is known, and so is what it makes of each task. It answers to each update's losses at
    once, where a learned one lags behind.

    Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018, section 3.2;
    the optimum is that of Kirchdorfer et al., "Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning",
    2024. Losses have to be positive.

    Args:
        min_loss: a smaller loss counts as this one, so that a task that is nearly solved does not dominate the others.

    Raises:
        ConfigError: a number that is not positive.
    """

    min_loss: float = 1e-3
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Kendall et al., CVPR 2018; Kirchdorfer et al., GCPR 2024")

    def __post_init__(self) -> None:
        check_positive(self, "min_loss")

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        return 1 / (2 * found.means[found.live].clamp(min=self.min_loss)), state


@dataclass(frozen=True)
class RLW(LossWeighting):
    """Random loss weighting: new weights in every update, the softmax of normal draws, times the number of tasks.

    Source: Lin et al., "Reasonable Effectiveness of Random Weighting", TMLR 2022, algorithm 2; torchjd's `Random`
    scalarizer. It is a baseline: a balancer that does not beat it weights no better than chance.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Lin et al., TMLR 2022 (RLW)")

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        drawn = torch.randn(len(found.live), dtype=torch.float64, generator=generator(found.seed))
        return len(found.live) * drawn.softmax(0), state
