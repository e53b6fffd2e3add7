"""Panoptic maps as UViM's two maps of labels, classes and instances, and back from their logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core.panoptic import PanopticMap


def to_labels(found: PanopticMap, size: int, *, max_instances: int) -> dict[str, Int[Tensor, "h w"]]:
    """Returns class and instance of each pixel of a square: 0 is no class, and no instance.

    Segments are numbered from 1, the largest first; where there are more than fit, the smallest are left out, with
    their classes. Crowds have no instance and are left out too.

    Source: big_vision `pp/proj/uvim/pp_ops.py`, get_coco_panoptic, which numbers in the order of the file.

    Args:
        found: of the image's size.
        size: height and width of the square; pixels are the nearest ones.
        max_instances: number of values of an instance, 0 included.
    """
    height, width = found.segments.shape
    rows, columns = (_nearest(length, size) for length in (height, width))
    segments = found.segments[rows][:, columns]
    order = np.argsort(-found.areas(), kind="stable")
    kept = [segment for segment in order.tolist() if not found.is_crowd[segment]][: max_instances - 1]
    numbers = np.zeros(len(found.labels) + 1, dtype=np.int64)
    classes = np.zeros(len(found.labels) + 1, dtype=np.int64)
    for number, segment in enumerate(kept, 1):
        numbers[segment + 1], classes[segment + 1] = number, found.labels[segment] + 1
    return {"semantics": torch.from_numpy(classes[segments]), "instances": torch.from_numpy(numbers[segments])}


def from_logits(maps: Mapping[str, Float[Tensor, "b h w k"]], *, min_fraction: float = 0.0) -> Int[Tensor, "b h w 2"]:
    """Returns class and instance of each pixel: every instance has one class, that of the highest summed logits.

    Source: big_vision `trainers/proj/uvim/panoptic_task.py`, panoptic_predictions_from_logits.

    Args:
        maps: logits of "semantics" and of "instances".
        min_fraction: instances of at most this share of the image become 0, 0.
    """
    instances = maps["instances"].argmax(-1)
    count = maps["instances"].shape[-1]
    masks = torch.nn.functional.one_hot(instances, count).to(maps["semantics"].dtype)
    label = torch.einsum("bhwk,bhwn->bnk", maps["semantics"], masks).argmax(-1)
    semantics = label.gather(1, instances.flatten(1)).view_as(instances)
    fraction = masks.mean(dim=(1, 2))
    big = (fraction > min_fraction).gather(1, instances.flatten(1)).view_as(instances)
    return torch.stack([semantics, instances], dim=-1) * big[..., None]


def to_panoptic(labels: Int[np.ndarray, "h w 2"], size_hw: tuple[int, int], things: tuple[bool, ...]) -> PanopticMap:
    """Returns class and instance of each pixel as segments of an image; the parts of stuff become one segment.

    Args:
        labels: classes from 1, and instances; 0 is none.
        size_hw: of the image; pixels are the nearest ones.
        things: for each class, whether it is countable.
    """
    rows, columns = (_nearest(length, size) for length, size in zip(labels.shape[:2], size_hw, strict=True))
    resized = labels[rows][:, columns].astype(np.int64)
    classes, instances = resized[..., 0], resized[..., 1]
    countable = np.array([False, *things])
    # All of one kind of stuff is one segment.
    keys = classes * (int(instances.max(initial=0)) + 1) + np.where(countable[classes], instances, 0)
    keys = np.where(classes == 0, -1, keys)
    known, segments = np.unique(keys, return_inverse=True)
    segments = segments.reshape(keys.shape) + (0 if len(known) and known[0] == -1 else 1)
    first = {int(segment): int(label) for segment, label in zip(segments.flat, classes.flat, strict=True) if segment}
    return PanopticMap(segments, np.array([first[i + 1] - 1 for i in range(len(first))], dtype=np.int64))


def _nearest(length: int, size: int) -> np.ndarray:
    """Returns the index of the nearest pixel of `length` for each of `size` ones, as TensorFlow's resize does."""
    return np.minimum(((np.arange(size) + 0.5) * length / size).astype(np.int64), length - 1)
