"""Batches that count alike, whatever their tasks and sizes: several ranks that sample their tasks apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from motet.core import Losses, System
from motet.training.balancers import losses_by_key, nonzero
from motet.training.distributed import add_gradients, add_over_ranks


@dataclass(frozen=True)
class BatchMean:
    """Each batch's own loss, the mean over all batches of the update: sum over batches of L_b / number of batches.

        L_b = sum over its tasks t of  factor_t * total_t / weight_t

    What gradients come to that are averaged over processes, each of which has a batch of its own task: a task that
    several of them drew counts several times. A batch that is cut to save memory counts as so many.

    Source: Zhu et al., "Uni-Perceiver-MoE", section 4.1.
    """

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
