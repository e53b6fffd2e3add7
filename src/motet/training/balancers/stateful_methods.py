"""Gradient methods that remember something small between updates: targets, lengths or weights of the tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import ConfigError
from motet.training.balancers.checks import check_not_negative, check_share
from motet.training.balancers.fairness_methods import IMTLG, AlignedMTL, ConFIG, FairGrad, NashMTL
from motet.training.balancers.gramian_methods import MGDA, RGW, CAGrad, DualProj, GramianMethod, Krum, PCGrad, UPGrad
from motet.training.balancers.live import BalancerInfo, State
from motet.training.balancers.state import generator
from motet.training.balancers.task_gradients import Combined, GradientMethod, LiveGradients

_PER_TASK = "one per task"
WRAPPED = (AlignedMTL, CAGrad, ConFIG, DualProj, FairGrad, IMTLG, Krum, MGDA, NashMTL, PCGrad, RGW, UPGrad)
"""The methods whose weights `CRMOGM` may average."""


@dataclass(frozen=True)
class GradVac(GradientMethod):
    """Gradient vaccine: pulls the cosine of every two tasks' gradients up to what it usually is.

    As `PCGrad`, but with a moving average of each cosine as the least that is wanted, in place of 0.

    Source: Wang et al., "Gradient Vaccine", ICLR 2021, algorithm 1; the same arithmetic as torchjd's, from inner
    products, with the state of tasks that are not at hand left as it is.

    Args:
        beta: how fast the targets follow.
        eps: added to denominators.

    Raises:
        ConfigError: a beta outside 0 to 1, or a negative eps.
    """

    beta: float = 0.5
    eps: float = 1e-8
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Wang et al., ICLR 2021", passes=_PER_TASK, state="a cosine per pair of tasks"
    )

    def __post_init__(self) -> None:
        check_share(self, "beta")
        check_not_negative(self, "eps")

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        del width
        return {"targets": torch.zeros(tasks, tasks, dtype=torch.float64)}

    def combine(self, found: LiveGradients, state: State) -> Combined:
        products, targets = found.products, state["targets"].clone()
        drawn, count = generator(found.seed), len(found.live)
        lengths, mixed = products.diagonal().sqrt(), torch.eye(count, dtype=torch.float64)
        for i in range(count):
            dots = products[i].clone()
            others = [j for j in range(count) if j != i]
            for j in (others[place] for place in torch.randperm(len(others), generator=drawn).tolist()):
                length = (dots * mixed[i]).sum().clamp(min=0).sqrt()
                cosine = dots[j] / (length * lengths[j] + self.eps)
                place = (found.live[i], found.live[j])
                target = targets[place].clone()
                if cosine < target:
                    sine, want = (1 - cosine**2).clamp(min=0).sqrt(), (1 - target**2).clamp(min=0).sqrt()
                    weight = length * (target * sine - cosine * want) / (lengths[j] * want + self.eps)
                    mixed[i, j] += weight
                    dots += weight * products[j]
                targets[place] = (1 - self.beta) * target + self.beta * cosine
        weights = mixed.sum(0)
        return Combined(weights.to(found.rows) @ found.rows, weights, {"targets": targets})


@dataclass(frozen=True)
class PCD(GradientMethod):
    """Priority-constrained descent: the gradient of a primary task, moved only as far as the others need.

        argmin over d of |d - g_1|^2    with  g_j . d >= tau |g_j|^2  for every other task j

    on gradients divided by their usual length; the result has the primary gradient's length. If no d satisfies all,
    it is the primary gradient.

    Source: "priority-constrained descent" as in torchjd (`PCD`), github.com/DaraVaram/priority-constrained-descent; the
    quadratic program is solved by SciPy's non-negative least squares on its dual.

    Args:
        primary: name of the task that comes first; the first of the run by default.
        tau: the progress that every other task must make, 0 to 1 of that of its own gradient.
        beta: of the moving average of squared lengths.
        eps: added to it.

    Raises:
        ConfigError: a tau or beta outside 0 to 1, or a primary task that is none.
    """

    primary: str = ""
    tau: float = 0.02
    beta: float = 0.999
    eps: float = 1e-8
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Priority-constrained descent (torchjd)", passes=_PER_TASK, state="a squared length per task"
    )

    def __post_init__(self) -> None:
        check_share(self, "tau", "beta")
        check_not_negative(self, "eps")

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        del width
        return {name: torch.zeros(tasks, dtype=torch.float64) for name in ("squares", "steps")}

    def combine(self, found: LiveGradients, state: State) -> Combined:
        live, new = found.live, {name: value.clone() for name, value in state.items()}
        new["squares"][live] = self.beta * new["squares"][live] + (1 - self.beta) * found.products.diagonal()
        new["steps"][live] += 1
        scales = (new["squares"][live] / (1 - self.beta ** new["steps"][live]) + self.eps).rsqrt()
        place = found.tasks.index(self.primary) if self.primary else 0
        here = (live == place).nonzero().flatten().tolist()
        weights = torch.ones(len(live), dtype=torch.float64)  # without the primary task a plain sum
        if here:
            order = [*here, *(index for index in range(len(live)) if index not in here)]
            scaled = (found.products * torch.outer(scales, scales))[order][:, order]
            solved = torch.empty_like(weights)
            solved[order] = torch.from_numpy(self._solved(scaled.numpy()))
            weights = solved * scales
            squared = float(weights @ found.products @ weights)
            weights *= (float(found.products[here[0], here[0]]) / squared) ** 0.5 if squared > 0 else 0.0
        return Combined(weights.to(found.rows) @ found.rows, weights, new)

    def _solved(self, products: np.ndarray) -> np.ndarray:
        """Returns the weights of the gradients, the primary one first: the multipliers of the constraints."""
        from scipy.optimize import nnls  # half a second, which runs with another balancer do without

        others = products[1:, 1:]
        lacking = self.tau * others.diagonal() - products[1:, 0]
        # The rounding of products leaves nearly parallel gradients not quite positive definite.
        factor = np.linalg.cholesky(others + 1e-12 * others.trace() * np.eye(len(others))).T
        multipliers, _ = nnls(factor, np.linalg.solve(factor.T, lacking))
        feasible = bool((others @ multipliers - lacking >= -1e-6 * max(1.0, products.diagonal().max())).all())
        return np.concatenate([[1.0], multipliers if feasible else np.zeros_like(multipliers)])


@dataclass(frozen=True)
class CRMOGM(GradientMethod):
    """Another method's weights, averaged over updates, which its proof of convergence needs.

        w_k = alpha w_(k-1) + (1 - alpha) w,    w those of the other method; w_0 the first of them

    Source: Zhou et al., "On the Convergence of Stochastic Multi-Objective Gradient Manipulation and Beyond", NeurIPS
    2022; torchjd's `CRMOGMWeighting`.

    Args:
        method: a gradient method that computes weights and remembers nothing.
        alpha: share of the old weights.

    Raises:
        ConfigError: an alpha outside 0 to 1, or another kind of method.
    """

    method: GramianMethod = field(default_factory=MGDA)
    alpha: float = 0.9
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Zhou et al., NeurIPS 2022 (CR-MOGM)", passes=_PER_TASK, state="a weight per task"
    )

    def __post_init__(self) -> None:
        check_share(self, "alpha")
        if not isinstance(self.method, WRAPPED):
            names = ", ".join(kind.__name__ for kind in WRAPPED)
            raise ConfigError(f"CRMOGM.method: got {type(self.method).__name__}; want one of {names}")

    def min_tasks(self) -> int:
        return self.method.min_tasks()

    def initial_state(self, tasks: int, width: int) -> dict[str, Tensor]:
        del width
        return {name: torch.zeros(tasks, dtype=torch.float64) for name in ("weights", "known")}

    def combine(self, found: LiveGradients, state: State) -> Combined:
        live, own = found.live, self.method.weights(found.products, found.seed)
        old = torch.where(state["known"][live] > 0, state["weights"][live], own)
        weights = self.alpha * old + (1 - self.alpha) * own
        new = {name: value.clone() for name, value in state.items()}
        new["weights"][live], new["known"][live] = weights, 1.0
        return Combined(weights.to(found.rows) @ found.rows, weights, new)


def share_of(weights: Float[Tensor, "t"], live: Tensor) -> tuple[Float[Tensor, "l"], float]:
    """Returns the weights of the tasks at hand as shares of 1, and what they add up to among all."""
    own = weights[live]
    mass = float(own.sum())
    return (own / mass if mass > 0 else torch.full_like(own, 1 / len(own))), mass
