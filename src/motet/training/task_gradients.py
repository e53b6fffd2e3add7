"""Balancers that combine one gradient per task by their inner products, not by the losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import Losses, System, seed_for
from motet.training.aggregation import Method, PCGrad
from motet.training.balancers import forward_parts, loss_keys, losses_by_key, nonzero
from motet.training.distributed import add_gradients, add_over_ranks
from motet.training.step import StepLosses


@dataclass(frozen=True)
class BackwardCost:
    """The cost of a balancer beyond one backward pass.

    Args:
        passes: backward passes through the shared parameters in each update, at most.
        stored_bytes: of the tasks' gradients, which are in memory at the same time.
    """

    passes: int
    stored_bytes: int


@dataclass(frozen=True)
class TaskGradients:
    """Combines the tasks' gradients of the shared parameters by a gradient method; otherwise equal to `TaskMean`.

        shared    sum over t of  w_t g_t,    g_t = gradient of factor_t * mean_t,    w = method(G),  G_ij = g_i . g_j
        own       sum over t of  g_t

    What the tasks share is `System.shared_blocks`. The gradients of each task are added over parts and ranks before
    their products are taken, so any number of ranks gives what one process gives. A task whose gradient is zero, or
    that has no row in the update, is left out. With one task left the result is its plain gradient.

    Each update takes one backward pass per task and holds one gradient of the shared parameters per task; `motet plan`
    prints how much that is. A compiled system (`TrainConfig.compile`) frees its graph in the first backward pass, so
    the two cannot be combined.

    Args:
        method: computes the weights from the gradients' inner products.
    """

    method: Method = field(default_factory=PCGrad)

    def cost(self, system: System) -> BackwardCost:
        """Returns the cost for a system, before anything is run."""
        shared, _ = _parameters(system)
        return BackwardCost(len(system.tasks), 4 * len(system.tasks) * sum(p.numel() for p in shared))

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        parts, weights, _ = forward_parts(losses, system)
        scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
        rows, used = self._gradients(parts, system, {key: factors[key[0]] * one for key, one in scale.items()})
        shared, own = _parameters(system)
        add_gradients(own)
        w = self._weights(rows, _seed(losses))
        _write_gradients(shared, w.to(rows) @ rows, used)
        taken = dict(zip(system.tasks, w.tolist(), strict=True))
        return {name: factor * taken[name] for name, factor in factors.items()}

    def _gradients(
        self, parts: Sequence[Losses], system: System, scale: Mapping[tuple[str, str], Tensor]
    ) -> tuple[Float[Tensor, "t p"], Tensor]:
        """Returns each task's gradient of the shared parameters over parts and ranks, and which parameters are used.

        Gradients of the tasks' own parameters are left in ``.grad``, of this rank alone.
        """
        shared, own = _parameters(system)
        device = next(system.parameters()).device
        rows = torch.zeros(len(system.tasks), sum(p.numel() for p in shared), device=device)
        used = torch.zeros(len(shared), device=device)
        for part in parts:
            totals = _totals(part, scale)
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
        return rows, used > 0

    def _weights(self, rows: Float[Tensor, "t p"], seed: int) -> Float[Tensor, "t"]:
        """Returns each task's weight; 1 if fewer than two tasks have a gradient."""
        products = (rows @ rows.T).double().cpu()
        live = products.diagonal() > 0
        weights = torch.ones(len(rows), dtype=torch.float64)
        if int(live.sum()) > 1:
            weights[live] = self.method.weights(products[live][:, live].contiguous(), seed)
        return weights


def _parameters(system: System) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Returns the trained parameters that tasks share, and the other trained ones."""
    shared = [p for block in system.shared_blocks().values() for p in block if p.requires_grad]
    ids = {id(p) for p in shared}
    return shared, [p for p in system.parameters() if p.requires_grad and id(p) not in ids]


def _totals(part: Losses, scale: Mapping[tuple[str, str], Tensor]) -> dict[str, Tensor]:
    """Returns each task's loss in a part, terms included, divided by the weights they are means over."""
    totals: dict[str, Tensor] = {}
    for key, loss in losses_by_key(part).items():
        if loss.total.requires_grad:
            scaled = loss.total * scale[key]
            totals[key[0]] = scaled if key[0] not in totals else totals[key[0]] + scaled
    return totals


def _write_gradients(shared: Sequence[nn.Parameter], combined: Float[Tensor, "p"], used: Tensor) -> None:
    """Writes the combined gradient to ``.grad``; a parameter without use gets none, so that no optimiser moves it."""
    parts = torch.split(combined, [p.numel() for p in shared]) if shared else ()
    for parameter, part, somewhere in zip(shared, parts, used.tolist(), strict=True):
        if somewhere:
            parameter.grad = part.view_as(parameter).to(parameter.dtype, copy=True)


def _seed(losses: Sequence[Losses]) -> int:
    """Returns a seed from seed, step and update of the losses, where they have them; the same on every rank."""
    return seed_for("task order", *(losses.key if isinstance(losses, StepLosses) else ())) % 2**63
