"""Pictures of a batch mixed two by two, and their classes with them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional as F

from motet.core import Batch, Target

_IMAGES = ("pixels", "features", "frames", "frame_features")


def mixed(batch: Batch, target: Target, num_names: int, strength: float) -> tuple[Batch, Target]:
    """A batch whose row i is mixed with the row that stands i from the end, and soft targets to match.

    Source: Zhang et al., "mixup", ICLR 2018; the official code mixes ImageNet-22k so.

    Args:
        batch: pictures or videos.
        target: with ``label``.
        num_names: of the task.
        strength: of the Beta distribution that the share is drawn from, one a batch.
    """
    share = float(torch.distributions.Beta(strength, strength).sample())
    inputs = dict(batch.inputs)
    for name in (name for name in _IMAGES if name in inputs):
        own = inputs[name][target.rows]
        whole = inputs[name].clone()
        whole[target.rows] = (share * own.float() + (1 - share) * own.flip(0).float()).to(own.dtype)
        inputs[name] = whole
    classes = F.one_hot(target.value["label"], num_names).float()
    soft = share * classes + (1 - share) * classes.flip(0)
    return replace(batch, inputs=inputs), replace(target, value={**target.value, "label": soft})
