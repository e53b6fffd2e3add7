"""Balancers with weights that do not change: the mean over rows, over tasks or over batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from motet.core import ConfigError, Losses, System, nearest
from motet.core.ranks import world
from motet.training.balancers.live import BalancerInfo, Stateless
from motet.training.balancers.parts import backward_of_means, backward_part, losses_by_key, nonzero, sums_of
from motet.training.distributed import add_gradients, add_over_ranks


@dataclass(frozen=True)
class RowMean(Stateless):
    """Every row counts the same whatever its task: sum of all totals / sum of all weights.

    The LiT decoder's loss: with it, mixing probabilities are the shares of tasks in the loss. Totals and weights are
    added over rows, parts-back parts and ranks, then divided once. A task whose loss has terms (`Losses.terms`) counts
    with its mean times its rows.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="LiT decoder; scalarisation by rows")

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        if system.loss_terms:
            backward_of_means(losses, system, factors, by_rows=True)
            return factors
        parameters = list(system.parameters())
        if len(losses) == 1 and world() == 1:
            only = losses[0]
            backward_part(
                only, dict.fromkeys(losses_by_key(only), 1 / nonzero(sums_of([only], system)[0].sum())), factors
            )
            return factors
        weights = sums_of([], system)[0]
        for part in losses:
            weights += sums_of([part], system)[0]
            backward_part(part, dict.fromkeys(losses_by_key(part), 1.0), factors)
        add_gradients(parameters)
        weight = nonzero(add_over_ranks(weights).sum())
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.div_(weight)
        return factors


@dataclass(frozen=True)
class Weighted(Stateless):
    """Each task's mean times its number, added: sum over t of w_t * total_t / weight_t.

    A task that is in no row of the update adds nothing; the others are not scaled up for it.

    Args:
        by_task: w_t by task name; 1 for those not named.

    Raises:
        ConfigError: a negative number.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Lu et al., CVPR 2020 (12-in-1), section 3.3")

    by_task: Mapping[str, float]

    @classmethod
    def from_lrs(cls, lrs: Mapping[str, float]) -> Weighted:
        """Returns weights equal to each task's learning rate over the smallest one, which the train config then has.

        Source: Lu et al., "12-in-1", section 3.3, "Loss Scaling".

        Raises:
            ConfigError: no learning rate, or one that is not positive.

        Examples:
            >>> dict(Weighted.from_lrs({"vqa": 4e-5, "retrieval": 2e-5}).by_task)
            {'vqa': 2.0, 'retrieval': 1.0}
        """
        least = min(lrs.values(), default=0.0)
        if not least > 0:
            raise ConfigError(f"Weighted.from_lrs: got {dict(lrs)}; want a positive learning rate per task")
        return cls({name: rate / least for name, rate in lrs.items()})

    def __post_init__(self) -> None:
        for name, weight in self.by_task.items():
            if not weight >= 0:
                raise ConfigError(f"Weighted: {name}: got {weight}; want 0 or more")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Weighted:
        """The weights of some tasks."""
        del sources
        return Weighted({name: weight for name, weight in self.by_task.items() if name in tasks})

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        for name in self.by_task:
            if name not in system.tasks:
                raise ConfigError(f"Weighted: got {name!r}, which is no task; {nearest(name, system.tasks)}")
        factors = {name: weight * self.by_task.get(name, 1.0) for name, weight in system.task_weights().items()}
        backward_of_means(losses, system, factors)
        return factors


@dataclass(frozen=True)
class TaskMean(Stateless):
    """Each task's mean, added: sum over t of total_t / weight_t. UniT's loss.

    With several tasks in one update and several micro-batches, the forward pass runs twice: every task is divided by
    a weight that is only known after all micro-batches.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Hu and Singh, ICCV 2021 (UniT)")

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        backward_of_means(losses, system, factors)
        return factors


@dataclass(frozen=True)
class BatchMean(Stateless):
    """Each batch's own loss, the mean over all batches of the update: sum over batches of L_b / number of batches.

        L_b = sum over its tasks t of  factor_t * total_t / weight_t

    It equals an average of gradients over processes that each have a batch of one task: a task that several of them
    drew counts several times. A batch that is split into micro-batches counts once per micro-batch.

    Source: Zhu et al., "Uni-Perceiver-MoE", section 4.1.
    """

    info: ClassVar[BalancerInfo] = BalancerInfo(paper="Zhu et al., NeurIPS 2022 (Uni-Perceiver-MoE), section 4.1")

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        parameters = list(system.parameters())
        batches = float(add_over_ranks(torch.tensor(float(len(losses)), device=parameters[0].device)))
        for part in losses:
            terms = [
                loss.total * (factors[task] / batches) / nonzero(loss.weight.detach())
                for (task, _), loss in losses_by_key(part).items()
                if loss.total.requires_grad
            ]
            if terms:
                torch.autograd.backward(torch.stack(terms).sum())
        add_gradients(parameters)
        return factors
