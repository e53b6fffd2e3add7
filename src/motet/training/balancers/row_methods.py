"""Gradient methods that work on the tasks' gradients themselves: number by number, or on those of two updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import ConfigError
from motet.training.balancers.checks import check_not_negative, check_positive, check_share
from motet.training.balancers.live import BalancerInfo, State
from motet.training.balancers.state import generator, on_simplex
from motet.training.balancers.stateful_methods import share_of
from motet.training.balancers.task_gradients import Combined, GradientMethod, LiveGradients

_PER_TASK = "one per task"
_EPS = 1e-7


@dataclass(frozen=True)
class GradDrop(GradientMethod):
    """Gradient sign dropout: in every place of the gradient one sign is kept, drawn by how much of it there is.

    Source: Chen et al., "Just Pick a Sign: Optimizing Deep Multitask Models with Gradient Sign Dropout", NeurIPS 2020,
    algorithm 1, lines 10 to 15; torchjd's, with the draws of the update's seed.

    Args:
        leak: share of each gradient that passes whatever its sign, 0 to 1.

    Raises:
        ConfigError: a leak outside 0 to 1.
    """

    leak: float = 0.0
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Chen et al., NeurIPS 2020", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_share(self, "leak")

    def combine(self, found: LiveGradients, state: State) -> Combined:
        rows = found.rows
        purity = 0.5 * (1 + rows.sum(0) / rows.abs().sum(0))  # nan, and so nothing, where all gradients are 0
        drawn = torch.rand(rows.shape[1], dtype=rows.dtype, generator=generator(found.seed)).to(rows.device)
        kept = ((purity > drawn) & (rows > 0)) | ((purity < drawn) & (rows < 0))
        gradient = ((self.leak + (1 - self.leak) * kept) * rows).sum(0)
        return Combined(gradient, torch.ones(len(rows), dtype=torch.float64), state)


@dataclass(frozen=True)
class TrimmedMean(GradientMethod):
    """In every place of the gradient the mean of the tasks without the largest and the smallest numbers.

    Source: Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", ICML 2018;
    torchjd's, multiplied with the number of tasks. It needs 2 * trim_number + 1 tasks; an update with fewer is a plain
    sum.

    Args:
        trim_number: numbers left out at either end.

    Raises:
        ConfigError: a negative number.
    """

    trim_number: int = 1
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Yin et al., ICML 2018", passes=_PER_TASK)

    def __post_init__(self) -> None:
        check_not_negative(self, "trim_number")

    def min_tasks(self) -> int:
        return max(2, 2 * self.trim_number + 1)

    def combine(self, found: LiveGradients, state: State) -> Combined:
        count = len(found.rows)
        kept = found.rows.sort(dim=0).values[self.trim_number : count - self.trim_number]
        return Combined(count * kept.mean(0), torch.ones(count, dtype=torch.float64), state)


@dataclass(frozen=True)
class ExcessMTL(GradientMethod):
    """More weight for a task that is far from its own optimum, by an estimate of its excess risk.

        E_t = sum over numbers of  g_t^2 / sqrt(sum over updates of g_t^2),    relative to its first value
        w_t <- w_t exp(step_size E_t),  divided by their sum

    Source: He et al., "Robust Multi-Task Learning with Excess Risks", ICML 2024, equations 6, 7 and 9; torchjd's. Its
    weights are multiplied with the number of tasks. It remembers a number per task and shared parameter.

    Args:
        step_size: of the weights.
        warmup: updates of a task with equal weights, in which the first value is averaged; 0 for the first update's, as
            the official code has it.

    Raises:
        ConfigError: a step size that is not positive, or a negative warm-up.
    """

    step_size: float = 1.0
    warmup: int = 0
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="He et al., ICML 2024", passes=_PER_TASK, state="a weight per task, a squared gradient per task"
    )

    def __post_init__(self) -> None:
        check_positive(self, "step_size")
        check_not_negative(self, "warmup")

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        one = torch.full((tasks,), 1 / tasks, dtype=torch.float64)
        zeros = torch.zeros(tasks, dtype=torch.float64)
        return {"weights": one, "first": zeros, "updates": zeros.clone(), "squares": torch.zeros(tasks, width)}

    def combine(self, found: LiveGradients, state: State) -> Combined:
        live, count = found.live, len(found.live)
        new = {name: value.clone() for name, value in state.items() if name != "squares"}
        squares = state["squares"].to(found.rows.device)
        squared = found.rows**2
        squares[live.to(squares.device)] += squared
        excess = (squared / (squares[live.to(squares.device)] + _EPS).sqrt()).sum(1).double().cpu()
        new["updates"][live] += 1
        warming = new["updates"][live] <= self.warmup
        raw = new["updates"][live] == 1 if not self.warmup else torch.zeros_like(warming)
        first = new["first"][live]
        first = torch.where(warming, first + excess / max(1, self.warmup), torch.where(raw, excess, first))
        new["first"][live] = first
        weights = torch.full((count,), 1 / count, dtype=torch.float64)
        if not bool(warming.any()):
            share, mass = share_of(new["weights"], live)
            scaled = torch.where(raw, excess, excess / (first + _EPS))
            weights = (share.log() + self.step_size * scaled).softmax(0)
            new["weights"][live] = mass * weights
        weights = count * weights
        return Combined(weights.to(found.rows) @ found.rows, weights, {**new, "squares": squares})


class TwoUpdates(GradientMethod):
    """The base of a method that wants two independent batches: this update's, and the one before it.

    The papers draw two batches in each step, or three. Here the second is that of the previous update: it is as
    independent, costs no backward pass, and lags by one step of the weights. A task's gradient of the update in which
    it was last at hand is remembered, as many numbers as there are shared parameters.
    """

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        """Returns equal weights, and no gradients yet."""
        return {
            "weights": torch.full((tasks,), 1 / tasks, dtype=torch.float64),
            "known": torch.zeros(tasks, dtype=torch.float64),
            "rows": torch.zeros(tasks, width),
        }

    def combine(self, found: LiveGradients, state: State) -> Combined:
        """Returns the sum with weights that a step on the products of both updates' gradients has moved."""
        live, count = found.live, len(found.live)
        rows, new = state["rows"].to(found.rows.device), dict(state)
        here = live.to(rows.device)
        share, mass = share_of(state["weights"], live)
        if bool((state["known"][live] > 0).all()):
            share = self.moved(share, (found.rows @ rows[here].T).double().cpu())
        new["weights"], new["known"] = state["weights"].clone(), state["known"].clone()
        new["weights"][live], new["known"][live] = mass * share, 1.0
        rows = rows.clone()
        rows[here] = found.rows
        weights = count * self.applied(share)
        return Combined(weights.to(found.rows) @ found.rows, weights, {**new, "rows": rows})

    def moved(self, share: Float[Tensor, "l"], products: Float[Tensor, "l l"]) -> Float[Tensor, "l"]:
        """Returns the weights after this update; products are of this update's gradients with the previous ones."""
        raise NotImplementedError

    def applied(self, share: Float[Tensor, "l"]) -> Float[Tensor, "l"]:
        """Returns the weights that the gradients get: those by default."""
        return share


@dataclass(frozen=True)
class MoDo(TwoUpdates):
    """Multi-objective gradient with double sampling: MGDA's weights, moved a step in each update, without its bias.

        w <- projection to the simplex of  w - gamma (G + rho I) w,    G of two independent batches

    Source: Chen et al., "Three-Way Trade-Off in Multi-Objective Learning", NeurIPS 2023 and JMLR 2024, equation 2.9;
    torchjd's `MoDoWeighting`, with the second batch of `TwoUpdates`. Its weights are multiplied with the number of
    tasks.

    Args:
        gamma: step size of the weights.
        rho: pull towards equal weights.

    Raises:
        ConfigError: a gamma that is not positive, or a negative rho.
    """

    gamma: float = 0.1
    rho: float = 0.1
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Chen et al., JMLR 2024 (MoDo)", passes=_PER_TASK, state="a weight and a gradient per task"
    )

    def __post_init__(self) -> None:
        check_positive(self, "gamma")
        check_not_negative(self, "rho")

    def moved(self, share: Float[Tensor, "l"], products: Float[Tensor, "l l"]) -> Float[Tensor, "l"]:
        return on_simplex(share - self.gamma * (products @ share + self.rho * share))


@dataclass(frozen=True)
class SDMGrad(TwoUpdates):
    """Direction-oriented multi-objective gradient: MGDA's weights, held near the mean, by some steps in each update.

        w <- projection to the simplex of  w - lr velocity,    velocity of  G (w + lambda / T),    G of two batches

    Source: Xiao, Ban and Ji, "Direction-oriented Multi-objective Learning", NeurIPS 2023, algorithm 1; torchjd's
    `SDMGradWeighting`, with the second batch of `TwoUpdates`. Its weights are multiplied with the number of tasks.

    Args:
        lr: step size of the weights, on products that are scaled to a mean length of 1.
        momentum: of the steps.
        steps: per update.
        mean_weight: lambda, the pull towards the mean gradient.

    Raises:
        ConfigError: a number that is not positive, a momentum outside 0 to 1, or a negative mean_weight.
    """

    lr: float = 10.0
    momentum: float = 0.5
    steps: int = 20
    mean_weight: float = 0.3
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Xiao et al., NeurIPS 2023", passes=_PER_TASK, state="a weight and a gradient per task"
    )

    def __post_init__(self) -> None:
        check_positive(self, "lr", "steps")
        check_share(self, "momentum")
        check_not_negative(self, "mean_weight")
        if self.momentum == 1:
            raise ConfigError("SDMGrad.momentum: got 1; want less than 1")

    def moved(self, share: Float[Tensor, "l"], products: Float[Tensor, "l l"]) -> Float[Tensor, "l"]:
        scaled = products / (products.diagonal().clamp(min=0).sqrt().mean() ** 2 + 1e-8)
        velocity = torch.zeros_like(share)
        for _ in range(self.steps):
            velocity = self.momentum * velocity + scaled @ (share + self.mean_weight / len(share))
            share = on_simplex(share - self.lr * velocity)
        return share

    def applied(self, share: Float[Tensor, "l"]) -> Float[Tensor, "l"]:
        return (share + self.mean_weight / len(share)) / (1 + self.mean_weight)
