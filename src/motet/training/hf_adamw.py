"""AdamW with the decay after the step, and with options for parameters that a step does not use."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
import torch.distributed as dist
from torch import Tensor
from torch.optim import Optimizer


class HfAdamWOptimizer(Optimizer):
    """AdamW of Hugging Face's early `transformers`, with options for models of which each step uses only a part.

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p = p - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)
        p = p - lr * weight_decay * p

    PyTorch decays first and adds its epsilon to the corrected root. With `skip_unused`, a parameter whose gradient is
    all zero is skipped like one without a gradient: no moment moves, nothing decays, and t, its own count of steps,
    stays. So heads and decoders of tasks that a step did not draw keep their momentum.

    The test for zero gradients reads all parameters at once: one wait for the accelerator per step.

    `move_unused` is the opposite: a parameter without a gradient in this step, but with one in an earlier step, is
    updated as if its gradient were zero; it follows its old momentum and decays. BERT's and 12-in-1's training did so,
    because gradients were zeroed in place.

    Source: Hu and Singh 2021, "UniT", appendix A; facebookresearch/mmf `AdamWSkipParamsWithZeroGrad`; `AdamW` of
    pytorch-transformers 1.0.0 (`correct_bias`).

    Args:
        groups: mappings with "params", "lr" (peak, times the group's scale, times the schedule's factor) and
            "weight_decay".
        betas: decays of the first and second moment.
        eps: added to the root of the second moment.
        skip_unused: whether parameters with an all-zero gradient are skipped.
        correct_bias: whether moments are corrected for their start at zero; without it the size of a step is lr, as in
            BERT's own optimiser.
        move_unused: whether parameters without a gradient follow their old momentum.
    """

    def __init__(
        self,
        groups: Iterable[Mapping[str, Any]],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        skip_unused: bool = False,
        correct_bias: bool = True,
        move_unused: bool = False,
    ) -> None:
        self.betas, self.eps, self.skip_unused = betas, eps, skip_unused
        self.correct_bias, self.move_unused = correct_bias, move_unused
        super().__init__([dict(group) for group in groups], {"lr": 1e-3, "weight_decay": 0.0})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Updates every parameter that is used."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        used = self._used()
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter in used]
            if parameters:
                self._update(parameters, float(group["lr"]), float(group["weight_decay"]))
        return loss

    def _used(self) -> set[Tensor]:
        parameters = [
            p
            for group in self.param_groups
            for p in group["params"]
            if p.grad is not None or (self.move_unused and self.state.get(p))
        ]
        if not self.skip_unused or not parameters:
            return set(parameters)
        # The largest entry, not a sum or a norm of squares: tiny gradients would underflow to nothing.
        gradients = [local_part(p.grad) for p in parameters if p.grad is not None]
        held = [place for place, gradient in enumerate(gradients) if gradient.numel()]
        values = torch.zeros(len(gradients), device=gradients[0].device)
        if held:
            largest = torch._foreach_norm([gradients[place] for place in held], math.inf)
            values[held] = torch.stack([value.float().to(values.device) for value in largest])
        if any(is_part(parameter) for parameter in parameters):
            dist.all_reduce(values, op=dist.ReduceOp.MAX)  # another rank's part may be all zero, or this one's
        return {parameter for parameter, value in zip(parameters, values.tolist(), strict=True) if value != 0}

    def _update(self, parameters: list[Tensor], lr: float, weight_decay: float) -> None:
        beta1, beta2 = self.betas
        states = [self._state(parameter) for parameter in parameters]
        # Every number of a step needs its own moments alone: of parameters in parts each rank updates its own.
        first = [local_part(state["mean"]) for state in states]
        second = [local_part(state["square"]) for state in states]
        torch._foreach_mul_(first, beta1)
        torch._foreach_mul_(second, beta2)
        with_gradient = [place for place, parameter in enumerate(parameters) if parameter.grad is not None]
        gradients = [local_part(parameter.grad) for parameter in parameters if parameter.grad is not None]
        if gradients:
            torch._foreach_add_([first[place] for place in with_gradient], gradients, alpha=1.0 - beta1)
            torch._foreach_addcmul_([second[place] for place in with_gradient], gradients, gradients, value=1.0 - beta2)
        roots = torch._foreach_sqrt(second)
        torch._foreach_add_(roots, self.eps)
        sizes = []
        for state in states:
            # A Python number: a step count on an accelerator would be read back at every step.
            state["step"] += 1
            corrected = math.sqrt(1.0 - beta2 ** state["step"]) / (1.0 - beta1 ** state["step"])
            sizes.append(-lr * corrected if self.correct_bias else -lr)
        own = [local_part(parameter) for parameter in parameters]
        torch._foreach_addcdiv_(own, first, list(roots), sizes)
        if weight_decay:
            torch._foreach_mul_(own, 1.0 - lr * weight_decay)

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state.update(step=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
        return state


def is_part(tensor: Tensor) -> bool:
    """Returns whether a rank holds a part of a tensor alone (a DTensor, whose module takes a second to import)."""
    return hasattr(tensor, "to_local")


def local_part(tensor: Tensor) -> Tensor:
    """Returns the part of a tensor that this rank holds, which shares its memory; all of it where it is whole."""
    part: Any = tensor
    found: Tensor = part.to_local() if is_part(tensor) else tensor
    return found
