"""Optimisers as values, and the function that sets their learning rate at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch.optim import Optimizer

from motet.core import ConfigError
from motet.training.hf_adamw import HfAdamWOptimizer
from motet.training.lr_schedules import Constant as Constant
from motet.training.lr_schedules import Cosine as Cosine
from motet.training.lr_schedules import LinearDecay as LinearDecay
from motet.training.lr_schedules import LRSchedule as LRSchedule
from motet.training.lr_schedules import OneCycle as OneCycle
from motet.training.lr_schedules import Polynomial as Polynomial
from motet.training.lr_schedules import Rsqrt as Rsqrt

_FUSED_DEVICES = {"cpu", "cuda", "mps"}


class OptimizerSpec(Protocol):
    """An optimiser as a value that a recipe names."""

    def build(self, groups: Sequence[Mapping[str, Any]], *, lr: float, weight_decay: float) -> Optimizer:
        """Returns the optimiser, at the peak learning rate; call `set_lr` before each step.

        Args:
            groups: ``{"name", "params", "lr_scale", "decay": bool}``, as `SystemConfig.parameter_groups` gives them.
            lr: peak learning rate; each group multiplies it with its `lr_scale`.
            weight_decay: of the groups with `decay`; the others have none.

        Raises:
            ConfigError: no parameter at all, or one that is in two groups.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay; the decay is scaled by the learning rate (PyTorch's definition).

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", algorithm 2.

    Args:
        betas: decays of the first and second moment.
        eps: added to the root of the second moment.

    Raises:
        ConfigError: a decay outside [0, 1), or an epsilon that is not positive.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _check_moments(type(self).__name__, self.betas, self.eps)

    def build(self, groups: Sequence[Mapping[str, Any]], *, lr: float, weight_decay: float) -> Optimizer:
        built = _torch_groups(groups, lr, weight_decay)
        fused = all(p.device.type in _FUSED_DEVICES for group in built for p in group["params"])
        optimizer = torch.optim.AdamW(built, betas=self.betas, eps=self.eps, fused=fused)
        if fused:
            optimizer.register_step_post_hook(_increment_versions)
        return optimizer


@dataclass(frozen=True, kw_only=True)
class HfAdamW:
    """AdamW in the order of Hugging Face's old `AdamW`: the decay, scaled by the learning rate, after the step.

    See `HfAdamWOptimizer`. UniT's run on eight data sets is published with it; 12-in-1's with ``HfAdamW(eps=1e-6,
    correct_bias=False, move_unused=True)``.

    Args:
        betas: decays of the first and second moment.
        eps: added to the root of the second moment.
        skip_unused: see `SkipUnusedAdamW`.
        correct_bias: scale the first steps up for moments that began at zero; BERT's own optimiser does not.
        move_unused: parameters that a step gave no gradient go on with their old momentum and decay, once they have
            had a gradient.

    Raises:
        ConfigError: a decay outside [0, 1), an epsilon that is not positive, or unused parameters both skipped and
            moved.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    skip_unused: bool = False
    correct_bias: bool = True
    move_unused: bool = False

    def __post_init__(self) -> None:
        _check_moments(type(self).__name__, self.betas, self.eps)
        if self.skip_unused and self.move_unused:
            raise ConfigError(
                f"{type(self).__name__}: got skip_unused and move_unused; want at most one of them for what a step "
                "gave no gradient"
            )

    def build(self, groups: Sequence[Mapping[str, Any]], *, lr: float, weight_decay: float) -> Optimizer:
        return HfAdamWOptimizer(
            _torch_groups(groups, lr, weight_decay),
            betas=self.betas,
            eps=self.eps,
            skip_unused=self.skip_unused,
            correct_bias=self.correct_bias,
            move_unused=self.move_unused,
        )


@dataclass(frozen=True, kw_only=True)
class SkipUnusedAdamW(HfAdamW):
    """`HfAdamW` that passes over what a step did not touch: parameters whose gradient is missing or all zero.

    For one data set per step: the heads of the others neither decay nor drift on old momentum meanwhile.

    Source: Hu and Singh 2021, "UniT", footnote 2 and appendix A.
    """

    skip_unused: bool = True


@dataclass(frozen=True, kw_only=True)
class Adafactor:
    """The Adafactor of "Scaling Vision Transformers", which the LiT decoder is trained with.

    It is timm's, whose updates are those of big_vision's own code. The weight decay is scaled by the schedule's factor
    only: one value fits all learning rates. A parameter whose gradient is None is not changed, decay included.

    Source: Zhai et al., "Scaling Vision Transformers", section 3.4; Google big_vision `scale_by_adafactor` over optax
    `scale_by_factored_rms`. Departs from it in one way: flax keeps attention heads as an axis of their own, which is
    then not factored; here projections are matrices.

    Args:
        beta2_cap: the largest decay of the second moment; 0.999 and 0.95 are both published and make no difference.
        momentum: decay of the first moment; None keeps none.
        momentum_dtype: what the first moment is stored in; None, the parameter's own 32 bits.
        update_clip: largest root mean square of one parameter's step; None for no clipping, as published.
        min_factored: matrices whose smaller side is below this keep whole second moments.

    Raises:
        ConfigError: a decay outside [0, 1).
    """

    beta2_cap: float = 0.999
    momentum: float | None = 0.9
    momentum_dtype: Literal["bfloat16", "float32"] | None = "bfloat16"
    update_clip: float | None = None
    min_factored: int = 32

    def __post_init__(self) -> None:
        for name in ("beta2_cap", "momentum"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ConfigError(f"Adafactor.{name}: got {value}; want a number in [0, 1)")
        if self.momentum_dtype not in ("bfloat16", "float32", None):
            raise ConfigError(
                f"Adafactor.momentum_dtype: got {self.momentum_dtype!r}; want 'bfloat16', 'float32' or None"
            )
        if self.update_clip is not None and not self.update_clip > 0:
            raise ConfigError(f"Adafactor.update_clip: got {self.update_clip}; want a positive number or None")

    def build(self, groups: Sequence[Mapping[str, Any]], *, lr: float, weight_decay: float) -> Optimizer:
        from timm.optim import AdafactorBigVision  # takes a second, which commands that train nothing do without

        optimizer: Optimizer = AdafactorBigVision(
            [group | {"peak_weight_decay": group["weight_decay"]} for group in _torch_groups(groups, lr, weight_decay)],
            lr=lr,
            min_dim_size_to_factor=self.min_factored,
            beta2_cap=self.beta2_cap,
            momentum=self.momentum,
            momentum_dtype=torch.bfloat16 if self.momentum_dtype == "bfloat16" else torch.float32,
            clipping_threshold=self.update_clip,
            unscaled_wd=True,
        )
        return optimizer


def set_lr(optimizer: Optimizer, factor: float) -> None:
    """Sets the schedule's factor of this step in every group; call it before `optimizer.step()`.

    Each group then holds ``lr = peak_lr * factor``, and a decay that does not follow the learning rate its own
    ``weight_decay = peak_weight_decay * factor``.

    Args:
        optimizer: built by an `OptimizerSpec`.
        factor: 0 to 1, from `LRSchedule.factor(step, steps)`.

    Examples:
        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> groups = [{"name": "encoder", "params": [weight], "lr_scale": 0.1, "decay": True}]
        >>> optimizer = AdamW().build(groups, lr=1e-3, weight_decay=1e-4)
        >>> set_lr(optimizer, 0.5)
        >>> round(optimizer.param_groups[0]["lr"], 8)
        5e-05
    """
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
        if "peak_weight_decay" in group:
            group["weight_decay"] = group["peak_weight_decay"] * factor


def _check_moments(what: str, betas: tuple[float, float], eps: float) -> None:
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ConfigError(f"{what}.betas: got {betas}; want two numbers in [0, 1)")
    if not eps > 0:
        raise ConfigError(f"{what}.eps: got {eps}; want a positive number")


def _increment_versions(optimizer: Optimizer, *step: Any) -> None:
    """Raises the version of each updated parameter: the fused kernel does not, and caches of values go by it."""
    del step
    for group in optimizer.param_groups:
        torch.autograd.graph.increment_version([p for p in group["params"] if p.grad is not None])


def _torch_groups(groups: Sequence[Mapping[str, Any]], lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Returns the groups in torch's form, with "peak_lr" and "weight_decay", without empty groups."""
    already: set[int] = set()
    built: list[dict[str, Any]] = []
    for group in groups:
        params = list(group["params"])
        for parameter in params:
            if id(parameter) in already:
                raise ConfigError(
                    f"parameter group {group['name']!r}: got a parameter of shape {tuple(parameter.shape)} that "
                    "is in a group already; want each parameter in one group"
                )
            already.add(id(parameter))
        if params:
            peak_lr = lr * float(group["lr_scale"])
            decay = weight_decay if group["decay"] else 0.0
            built.append(
                {
                    "name": group["name"],
                    "params": params,
                    "lr": peak_lr,
                    "peak_lr": peak_lr,
                    "weight_decay": decay,
                }
            )
    if not built:
        raise ConfigError("optimiser: got no trainable parameter; want at least one (is every part frozen?)")
    return built
