"""A balancer in which every batch counts the same, for ranks that sample their tasks independently."""

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

    It equals an average of gradients over processes that each have a batch of one task: a task that several of them
    drew counts several times. A batch that is split into micro-batches counts once per micro-batch.

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
