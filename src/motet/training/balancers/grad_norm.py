"""GradNorm: learned weights that bring the tasks' gradients of the last shared block to comparable lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import Losses, System
from motet.training.balancers.checks import check_not_negative, check_positive
from motet.training.balancers.live import BackwardCost, BalancerInfo, State, check_state
from motet.training.balancers.loss_weights import task_losses
from motet.training.balancers.parts import forward_parts, loss_keys, nonzero
from motet.training.balancers.state import adam_state, adam_step
from motet.training.balancers.task_gradients import task_totals
from motet.training.distributed import add_gradients, add_over_ranks

_LEAST = 1e-3


@dataclass(frozen=True)
class GradNorm:
    """Weights under which slower tasks have longer gradients, and all others gradients of one length.

        length_t = w_t |g_t|,    want_t = mean length * (r_t / mean r)^alpha,    r_t = L_t / L_t in the first update
        the w_t learn by Adam against  sum over t of |length_t - want_t|,  and are divided by their mean

    g_t is the gradient of the last shared block that is trained (`System.shared_blocks`), so it costs little more than
    one backward pass. An update uses the weights that the one before it left.

    Source: Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks", ICML
    2018, algorithm 1. The paper leaves the rule by which the weights learn open.

    Args:
        alpha: the larger, the stronger slow tasks are pulled along; 0 for equal lengths. 1.5 in the paper's NYUv2, 0.12
            in its toy.
        lr: learning rate of the weights.

    Raises:
        ConfigError: a negative alpha, or a learning rate that is not positive.
    """

    alpha: float = 1.5
    lr: float = 0.025
    info: ClassVar[BalancerInfo] = BalancerInfo(
        paper="Chen et al., ICML 2018",
        passes="1, and one per task of the last block",
        state="a weight and a first loss per task, Adam",
    )

    def __post_init__(self) -> None:
        check_not_negative(self, "alpha")
        check_positive(self, "lr")

    def start(self, system: System) -> LiveGradNorm:
        """Returns the live balancer of a system."""
        return LiveGradNorm(self, system)

    def cost(self, system: System) -> BackwardCost:
        """Returns that of one backward pass, and of the tasks' gradients of the last shared block."""
        return BackwardCost(1, 4 * len(system.tasks) * sum(p.numel() for p in last_block(system)))

    def moved(
        self, lengths: Float[Tensor, "t"], means: Float[Tensor, "t"], live: Tensor, state: State
    ) -> dict[str, Tensor]:
        """Returns the state after an update.

        Args:
            lengths: of each task's gradient, not weighted.
            means: each task's mean loss.
            live: places of the tasks at hand.
            state: before the update.
        """
        new = {name: value.clone() for name, value in state.items()}
        unknown = live[state["first"][live] == 0]
        new["first"][unknown] = means[unknown]
        relative = means[live] / nonzero(new["first"][live])
        weighted = state["weights"][live] * lengths[live]
        want = weighted.mean() * (relative / relative.mean()) ** self.alpha
        gradient = lengths[live] * torch.sign(weighted - want)
        moved, adam = adam_step(state["weights"], gradient, state, live, lr=self.lr)
        moved[live] = moved[live].clamp(min=_LEAST)
        moved[live] *= state["weights"][live].sum() / moved[live].sum()
        return {**new, **adam, "weights": moved}


class LiveGradNorm:
    """The live balancer of `GradNorm`.

    Args:
        method: alpha and learning rate.
        system: whose tasks are weighted.
    """

    forwards_after_step = False

    def __init__(self, method: GradNorm, system: System) -> None:
        self.method, tasks = method, len(system.tasks)
        ones = torch.ones(tasks, dtype=torch.float64)
        self.state: State = {"weights": ones, "first": torch.zeros_like(ones), **adam_state(tasks)}

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Leaves the gradient of the weighted sum, and learns the next update's weights; see `LiveBalancer`."""
        parts, weights, totals = forward_parts(losses, system)
        tasks, block = list(system.tasks), last_block(system)
        own = dict(zip(tasks, self.state["weights"].tolist(), strict=True))
        factors = {task: factor * own[task] for task, factor in system.task_weights().items()}
        scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
        rows = torch.zeros(len(tasks), sum(p.numel() for p in block), device=weights.device)
        for part in parts:
            means = task_totals(part, scale)
            for task, mean in means.items() if block else ():
                found = torch.autograd.grad(mean, block, retain_graph=True, materialize_grads=True)
                rows[tasks.index(task)] += torch.cat([gradient.reshape(-1) for gradient in found])
            if means:
                torch.autograd.backward(torch.stack([factors[task] * mean for task, mean in means.items()]).sum())
        add_gradients(system.parameters())
        lengths = add_over_ranks(rows).double().norm(dim=1).cpu()
        found_losses = task_losses(system, weights, totals, 0)
        live = found_losses.live[lengths[found_losses.live] > 0]
        if len(live) > 1:
            self.state = self.method.moved(lengths, found_losses.means, live, self.state)
        return factors

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Does nothing."""

    def state_dict(self) -> State:
        """Returns weights, first losses and Adam's moments."""
        return dict(self.state)

    def load_state_dict(self, state: State) -> None:
        """Continues from a state."""
        check_state("GradNorm", state, self.state)
        self.state = dict(state)


def last_block(system: System) -> list[nn.Parameter]:
    """Returns the trained parameters of the deepest shared block that has any; none if nothing is shared."""
    blocks = [[p for p in block if p.requires_grad] for block in system.shared_blocks().values()]
    return next((block for block in reversed(blocks) if block), [])
