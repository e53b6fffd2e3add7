"""Mixup and cutmix: the images of a batch mixed in pairs, and their classes with them."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from motet.core import Batch, Target
from motet.systems.uni_perceiver.options import LossConfig

_PIXELS = ("pixels", "frames")
_IMAGES = (*_PIXELS, "features", "frame_features")


def mix(batch: Batch, target: Target, num_classes: int, config: LossConfig) -> tuple[Batch, Target]:
    """Returns a batch whose row i is mixed with the row i from the end, and smoothed soft targets to match.

    With both an alpha of mixup and one of cutmix, one of the two is drawn for the batch, each half of the time. Stored
    features have no pixels to cut: they are mixed.

    Source: Zhang et al., "mixup", ICLR 2018; Yun et al., "CutMix", ICCV 2019; timm `data/mixup.py`, mode "batch", with
    which the official code mixes ImageNet-22k (mixup 0.8, cutmix 1.0, smoothing 0.1).

    Args:
        batch: images or videos.
        target: with ``label``, of classes.
        num_classes: of the task.
        config: the alphas, and the smoothing of the soft targets.
    """
    inputs = dict(batch.inputs)
    present = [name for name in _IMAGES if name in inputs]
    cuts = config.cutmix_alpha > 0 and all(name in _PIXELS for name in present) and bool(torch.rand(()) < 0.5)
    alpha = config.cutmix_alpha if cuts else config.mixup_alpha
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    for name in present:
        own = inputs[name][target.rows]
        whole = inputs[name].clone()
        if cuts:
            mixed, weight = _cut(own, weight)
        else:
            mixed = (weight * own.float() + (1 - weight) * own.flip(0).float()).to(own.dtype)
        whole[target.rows] = mixed
        inputs[name] = whole
    classes = smoothed_classes(target.value["label"], num_classes, config.smoothing)
    soft = weight * classes + (1 - weight) * classes.flip(0)
    return replace(batch, inputs=inputs), replace(target, value={**target.value, "label": soft})


def smoothed_classes(label: Int[Tensor, "r"], num_classes: int, smoothing: float) -> Float[Tensor, "r k"]:
    """Returns one-hot classes less the smoothing, which is spread over all classes.

    Examples:
        >>> smoothed_classes(torch.tensor([1]), 4, 0.4).tolist()
        [[0.10000000149011612, 0.7000000476837158, 0.10000000149011612, 0.10000000149011612]]
    """
    return F.one_hot(label, num_classes).float() * (1 - smoothing) + smoothing / num_classes


def _cut(own: Float[Tensor, "r *c h w"], weight: float) -> tuple[Float[Tensor, "r *c h w"], float]:
    """Returns images with a box of their partners in them, and the share of the area that is their own."""
    height, width = own.shape[-2:]
    ratio = (1 - weight) ** 0.5
    half_height, half_width = int(height * ratio) // 2, int(width * ratio) // 2
    y, x = int(torch.randint(height, ())), int(torch.randint(width, ()))
    top, bottom = max(y - half_height, 0), min(y + half_height, height)
    left, right = max(x - half_width, 0), min(x + half_width, width)
    mixed = own.clone()
    mixed[..., top:bottom, left:right] = own.flip(0)[..., top:bottom, left:right]
    # The box was cut at the border: its own area counts.
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)
