"""Mixup: the images of a batch mixed in pairs, and their classes with them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional as F

from motet.core import Batch, Target

_IMAGES = ("pixels", "features", "frames", "frame_features")


def mixup(batch: Batch, target: Target, num_classes: int, alpha: float) -> tuple[Batch, Target]:
    """Returns a batch whose row i is mixed with the row i from the end, and soft targets to match.

    Source: Zhang et al., "mixup", ICLR 2018; the official code mixes ImageNet-22k so.

    Args:
        batch: images or videos.
        target: with ``label``, of classes.
        num_classes: of the task.
        alpha: both parameters of the Beta distribution that the mixing weight is drawn from, once per batch.
    """
    weight = float(torch.distributions.Beta(alpha, alpha).sample())
    inputs = dict(batch.inputs)
    for name in (name for name in _IMAGES if name in inputs):
        own = inputs[name][target.rows]
        whole = inputs[name].clone()
        whole[target.rows] = (weight * own.float() + (1 - weight) * own.flip(0).float()).to(own.dtype)
        inputs[name] = whole
    classes = F.one_hot(target.value["label"], num_classes).float()
    soft = weight * classes + (1 - weight) * classes.flip(0)
    return replace(batch, inputs=inputs), replace(target, value={**target.value, "label": soft})
