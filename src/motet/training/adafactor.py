"""The light Adafactor of "Scaling Vision Transformers": factored second moments, half-precision first moments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer

_EPSILON = 1e-30  # added to squared gradients, as in optax `scale_by_factored_rms`
_DECAY_EXPONENT = 0.8  # beta2 of step t is 1 - (t + 1) ** -0.8


class ScalingAdafactor(Optimizer):
    """Adafactor for Vision Transformers: no parameter scaling, no relative step, decoupled decay.

        r, c = running means of g^2 over columns and over rows      (the two largest axes)
        u    = g / sqrt(r / mean(r) * c)
        m    = momentum * m + (1 - momentum) * u
        p    = p - rate * (lr * lr_scale * m + weight_decay * p)

    Parameters with fewer than two axes of `min_factored` entries store the whole mean of g^2 in place of r and c.
    The decay is scaled by the schedule's factor ("rate"), not by the learning rate or the group's scale: its strength
    is the same at every learning rate. A parameter whose gradient is None is not changed, decay included, and its own
    count of steps does not advance.

    Source: Zhai et al., "Scaling Vision Transformers", section 3.4; Google big_vision `scale_by_adafactor` over optax
    `scale_by_factored_rms`. Departs from it in two ways. Flax keeps attention heads as an axis of their own, which is
    then not factored; here projections are matrices. The product of the stored first moment with its decay is taken in
    32 bits; there, in bfloat16, where 0.9 is 0.8984.

    Args:
        groups: mappings with "params", "lr" (peak, times the group's scale, times the schedule's factor), "rate" (that
            factor) and "weight_decay".
        beta2_cap: the largest decay of the running mean of g^2.
        momentum: decay of the first moment; None for none.
        momentum_dtype: type of the stored first moment.
        update_clip: largest root mean square of u for one parameter; None for no clipping, the published setting.
        min_factored: the second largest axis must have this many entries to be factored.
    """

    def __init__(
        self,
        groups: Iterable[Mapping[str, Any]],
        *,
        beta2_cap: float = 0.999,
        momentum: float | None = 0.9,
        momentum_dtype: torch.dtype = torch.bfloat16,
        update_clip: float | None = None,
        min_factored: int = 32,
    ) -> None:
        self.beta2_cap, self.momentum, self.momentum_dtype = beta2_cap, momentum, momentum_dtype
        self.update_clip, self.min_factored = update_clip, min_factored
        super().__init__([dict(group) for group in groups], {"lr": 1e-3, "rate": 1.0, "weight_decay": 0.0})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            decay = group["rate"] * group["weight_decay"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                update = self._direction(parameter.grad.float(), self.state[parameter])
                # One rounding of the sum, so that decay and update see the same parameter.
                change = update.mul_(group["lr"])
                if decay:
                    change.add_(parameter, alpha=decay)
                parameter.sub_(change.to(parameter.dtype))
        return loss

    def _direction(self, gradient: Tensor, state: dict[str, Any]) -> Tensor:
        """Returns the step before learning rate and decay, as a new tensor."""
        taken = int(state.get("step", 0))
        beta2 = min(self.beta2_cap, 1.0 - (taken + 1.0) ** -_DECAY_EXPONENT)
        axes = _factored_axes(tuple(gradient.shape), self.min_factored)
        squared = gradient.square().add_(_EPSILON)
        if axes is None:
            update = gradient * _running_mean(state, "square", squared, beta2).rsqrt()
        else:
            second, largest = axes
            rows = _running_mean(state, "rows", squared.mean(dim=largest), beta2)
            columns = _running_mean(state, "columns", squared.mean(dim=second), beta2)
            level = rows.mean(dim=second - 1 if second > largest else second, keepdim=True)
            update = gradient * (rows / level).rsqrt_().unsqueeze(largest) * columns.rsqrt().unsqueeze(second)
        if self.update_clip is not None:
            update.div_((update.square().mean().sqrt() / self.update_clip).clamp_(min=1.0))
        if self.momentum is not None:
            stored = state.get("momentum")
            update = update.mul_(1.0 - self.momentum)
            if stored is not None:
                update.add_(stored.float(), alpha=self.momentum)
            # A copy even where nothing is converted: the caller scales `update` in place.
            state["momentum"] = update.to(self.momentum_dtype, copy=True)
        # A Python number: a step count on an accelerator would be read back at every step.
        state["step"] = taken + 1
        return update

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads a state from `state_dict()`, every tensor in the type it was saved in.

        The parent's method converts statistics to the parameter's type, which would end the half-precision rounding of
        the first moment, and with it bit-equal resumption.
        """
        super().load_state_dict(state_dict)
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        indices = [index for group in state_dict["param_groups"] for index in group["params"]]
        for index, parameter in zip(indices, parameters, strict=True):
            for key, value in state_dict["state"].get(index, {}).items():
                if isinstance(value, Tensor):
                    self.state[parameter][key] = value.detach().clone().to(parameter.device)


def _factored_axes(shape: tuple[int, ...], min_factored: int) -> tuple[int, int] | None:
    """Returns the second largest and the largest axis, the later of equals as the larger; None if it is too small."""
    if len(shape) < 2:
        return None
    second, largest = sorted(range(len(shape)), key=shape.__getitem__)[-2:]
    return (second, largest) if shape[second] >= min_factored else None


def _running_mean(state: dict[str, Any], key: str, value: Tensor, beta: float) -> Tensor:
    """Moves the mean under `key` towards `value` and returns it."""
    if key not in state:
        state[key] = torch.zeros_like(value)
    stored: Tensor = state[key]
    return stored.mul_(beta).add_(value, alpha=1.0 - beta)
