"""Depth in metres, as its inverse or as its logarithm; a cap of training and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from motet.systems.vit_adapters.options import DepthOutput


def from_metres(depth_m: Float[Tensor, "*s"], options: DepthOutput) -> Float[Tensor, "*s"]:
    """Returns depths as the head predicts them; NaN stays NaN.

    Examples:
        >>> import torch
        >>> from_metres(torch.tensor([2.0, 4.0]), DepthOutput("inverse")).tolist()
        [0.5, 0.25]
    """
    scores = _in_unit(depth_m, options)
    return scores if options.middle_m is None else scores - _middle(options)


def to_metres(scores: Float[Tensor, "*s"], options: DepthOutput) -> Float[Tensor, "*s"]:
    """Returns what the head predicts as metres, 0 or more, and not beyond the cap.

    An inverse of 0 or less is as far as the cap, or, without one, 10 km: predictions are finite.
    """
    farthest = FARTHEST_M if options.cap_m is None else options.cap_m
    if options.middle_m is not None:
        scores = scores + _middle(options)
    match options.unit:
        case "metre":
            return scores.clamp(min=0, max=options.cap_m)
        case "inverse":
            return scores.clamp(min=1 / farthest).reciprocal()
        case "log":
            # Clamped after the exponential, a large score would be infinite in 16 bits before.
            return scores.float().exp().clamp(max=farthest)
        case other:
            assert_never(other)


FARTHEST_M = 1e4
"""The farthest prediction of an inverse or a logarithm without a cap, in metres."""


def depth_target(value: Mapping[str, Tensor], options: DepthOutput) -> Mapping[str, Tensor]:
    """Returns a target in metres as the loss reads it; pixels beyond the cap are not valid."""
    depth_m, valid = value["map"], value["valid"]
    if options.cap_m is not None:
        valid = valid & (depth_m[:, 0] <= options.cap_m)
    return {**value, "map": from_metres(depth_m, options), "valid": valid}


def _in_unit(depth_m: Float[Tensor, "*s"], options: DepthOutput) -> Float[Tensor, "*s"]:
    match options.unit:
        case "metre":
            return depth_m
        case "inverse":
            return depth_m.clamp(min=options.least_m).reciprocal()
        case "log":
            return depth_m.clamp(min=options.least_m).log()
        case other:
            assert_never(other)


def _middle(options: DepthOutput) -> float:
    return float(_in_unit(torch.tensor(options.middle_m), options))
