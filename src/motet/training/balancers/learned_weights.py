"""Balancers that learn or track each task's weight from the course of its loss, and remember it between updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import ConfigError
from motet.training.balancers.checks import check_not_negative, check_positive
from motet.training.balancers.live import BalancerInfo, State
from motet.training.balancers.loss_weights import LossWeighting, TaskLosses
from motet.training.balancers.state import adam_state, adam_step

_EPS = 1e-8


@dataclass(frozen=True)
class UW(LossWeighting):
    """Uncertainty weighting: a learned log-variance s_t per task.

        sum over t of  exp(-s_t) / 2 * L_t + s_t / 2

    s_t starts at 0 and is learned by an Adam of its own, since the run's optimiser may have a schedule and a decay that
    are meant for the model. `Uncertainty` has its optimum in closed form.

    Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018, section 3.2;
    torchjd's `UW`.

    Args:
        lr: learning rate of the log-variances.

    Raises:
        ConfigError: a number that is not positive.
    """

    lr: float = 0.01
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Kendall et al., CVPR 2018", state="a log-variance per task, Adam"
    )

    def __post_init__(self) -> None:
        check_positive(self, "lr")

    def initial_state(self, tasks: int) -> dict[str, Tensor]:
        return {"log_variance": torch.zeros(tasks, dtype=torch.float64), **adam_state(tasks)}

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        weights = torch.exp(-state["log_variance"][found.live]) / 2
        gradient = 0.5 - weights * found.means[found.live]
        learned, adam = adam_step(state["log_variance"], gradient, state, found.live, lr=self.lr)
        return weights, {"log_variance": learned, **adam}


@dataclass(frozen=True)
class IMTLL(LossWeighting):
    """Impartial learning by losses (IMTL-L): a learned scale per task that brings all losses to one size.

        sum over t of  exp(s_t) L_t - s_t,    at whose optimum every exp(s_t) L_t is 1

    Source: Liu et al., "Towards Impartial Multi-Task Learning", ICLR 2021, section 3.2; torchjd's `IMTLL`. As in `UW`,
    s_t has an Adam of its own. IMTL-G, which balances gradients, is `IMTLG`.

    Args:
        lr: learning rate of the scales.

    Raises:
        ConfigError: a number that is not positive.
    """

    lr: float = 0.01
    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Liu et al., ICLR 2021 (IMTL-L)", state="a scale per task, Adam")

    def __post_init__(self) -> None:
        check_positive(self, "lr")

    def initial_state(self, tasks: int) -> dict[str, Tensor]:
        return {"log_scale": torch.zeros(tasks, dtype=torch.float64), **adam_state(tasks)}

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        weights = torch.exp(state["log_scale"][found.live])
        gradient = weights * found.means[found.live] - 1
        learned, adam = adam_step(state["log_scale"], gradient, state, found.live, lr=self.lr)
        return weights, {"log_scale": learned, **adam}


@dataclass(frozen=True)
class FAMO(LossWeighting):
    """Fast adaptive multitask optimisation: all losses decrease at about the same relative speed.

        gradient    c sum over t of  z_t log L_t,    z = softmax(w),    c = 1 / sum over t of z_t / L_t
        then        Adam on w, against  J_z^T (log L before the step - log L after it)

    Its weights add up to 1 and are multiplied with the number of tasks. The losses after the step are those of the same
    rows with the same dropout: one more forward pass per update, without gradients.

    Source: Liu et al., "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023, algorithm 2; torchjd's. Losses have
    to be positive.

    Args:
        lr: learning rate of w; 0.025 in the paper.
        weight_decay: of w, gamma in the paper.

    Raises:
        ConfigError: a negative number.
    """

    lr: float = 0.025
    weight_decay: float = 1e-3
    forwards_after_step: ClassVar[bool] = True
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Liu et al., NeurIPS 2023 (FAMO)", passes="1, and a forward pass", state="a logit per task, Adam"
    )

    def __post_init__(self) -> None:
        check_not_negative(self, "lr", "weight_decay")

    def initial_state(self, tasks: int) -> dict[str, Tensor]:
        zeros = torch.zeros(tasks, dtype=torch.float64)
        return {"logits": zeros, "before": zeros.clone(), **adam_state(tasks)}

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        z = state["logits"][found.live].softmax(0)
        raw = z / (found.means[found.live] + _EPS)
        before = state["before"].clone()
        before[found.live] = found.means[found.live]
        return len(found.live) * raw / raw.sum(), {**state, "before": before}

    def after(self, found: TaskLosses, state: State) -> State:
        z = state["logits"][found.live].softmax(0)
        before, now = state["before"][found.live] + _EPS, found.means[found.live] + _EPS
        delta = before.log() - now.log()
        gradient = z * (delta - (z * delta).sum())
        logits, adam = adam_step(
            state["logits"], gradient, state, found.live, lr=self.lr, weight_decay=self.weight_decay
        )
        return {**state, "logits": logits, **adam}


@dataclass(frozen=True)
class DWA(LossWeighting):
    """Dynamic weight average: more weight for a task whose loss falls more slowly than those of the others.

        w_t = T softmax over t of (r_t / temperature),    r_t = mean loss of the last window / that of the one before

    All weights are 1 until every task has two windows. An epoch of several data sets has no one length, so a window is
    a number of updates with rows of the task.

    Source: Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, equation 7; torchjd's.

    Args:
        temperature: larger for more equal weights; 2 in the paper.
        window: updates over which a task's loss is averaged; an epoch in the paper.

    Raises:
        ConfigError: a number that is not positive.
    """

    temperature: float = 2.0
    window: int = 50
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Liu et al., CVPR 2019 (MTAN)", state="two mean losses per task, and the running one"
    )

    def __post_init__(self) -> None:
        check_positive(self, "temperature")
        if self.window < 1:
            raise ConfigError(f"DWA.window: got {self.window}; want 1 or more updates")

    def initial_state(self, tasks: int) -> dict[str, Tensor]:
        return {name: torch.zeros(tasks, dtype=torch.float64) for name in ("sum", "count", "older", "newer", "windows")}

    def weights(self, found: TaskLosses, state: State) -> tuple[Float[Tensor, "l"], State]:
        live, new = found.live, {name: value.clone() for name, value in state.items()}
        weights = torch.ones(len(live), dtype=torch.float64)
        if bool((state["windows"][live] >= 2).all()):
            weights = len(live) * (state["newer"][live] / state["older"][live] / self.temperature).softmax(0)
        new["sum"][live] += found.means[live]
        new["count"][live] += 1
        ended = new["count"] >= self.window
        new["older"][ended] = new["newer"][ended]
        new["newer"][ended] = new["sum"][ended] / new["count"][ended]
        new["windows"][ended] += 1
        new["sum"][ended] = new["count"][ended] = 0.0
        return weights, new
