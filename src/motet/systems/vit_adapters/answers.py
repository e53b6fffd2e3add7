"""Losses and predictions from a task's scores; a predicted map has the size of the image file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from motet.core import Dense, DenseMap, Label, Loss, Prediction, Target, Task, UnsupportedTask
from motet.losses import default_for
from motet.preprocess.geometry import Geometry
from motet.systems.base import class_predictions
from motet.systems.vit_adapters.depth import depth_target, to_metres
from motet.systems.vit_adapters.options import DepthOutput

METRES = DepthOutput()


def task_loss(
    task: Task, scores: Float[Tensor, "r ..."], value: Mapping[str, Tensor], depth: DepthOutput = METRES
) -> Loss:
    """Returns a task's loss; that of a map of probabilities is computed from probabilities, not from logits.

    Args:
        task: the task.
        scores: of its decoder (r, c, h, w), or of its classifier (r, k).
        value: the value of the target.
        depth: the quantity that heads of depth predict.
    """
    evaluator = task.loss or default_for(task.target)
    if isinstance(task.target, Dense):
        if task.target.unit == "metre":
            return evaluator(scores, depth_target(value, depth))
        return evaluator(in_unit(scores, task.target), value)
    return evaluator(scores, value["label"])


def in_unit(scores: Float[Tensor, "r c h w"], spec: Dense) -> Float[Tensor, "r k h w"]:
    """Returns the probability of yes for a map of probabilities, and the scores of every other map unchanged.

    Normals are not normalised first, as in Standley et al. (2020, `taskonomy_losses.py`): the difference to a unit
    vector trains the length too, and the direction of a vector near zero would jump.
    """
    if spec.unit != "probability":
        return scores
    return scores.sigmoid() if scores.shape[1] == 1 else scores.softmax(1)[:, 1:]


def dense_map(
    scores: Float[Tensor, "c h w"],
    task: Task,
    geometry: Geometry,
    *,
    scale_depth: bool = False,
    depth: DepthOutput = METRES,
) -> DenseMap:
    """Returns one row's predicted map at the size of the image file.

    The scores are resized (bilinear) before they are turned into values: the best class of each pixel; metres, 0 or
    more; vectors of unit length; the probability of yes.

    Args:
        scores: the output of the decoder.
        task: the task.
        geometry: how the image was transformed; a flip is undone, and pixels outside the crop are -1 or NaN.
        scale_depth: whether targets were divided by the crop's zoom; undone here.
        depth: the quantity that the head of depth predicts.

    Raises:
        UnsupportedTask: a task without a map.
    """
    spec = task.target
    if not isinstance(spec, Dense):
        raise UnsupportedTask(f"task {task.name!r}: got {type(spec).__name__}; want a Dense")
    whole = geometry.map_back(scores.detach().float())
    outside = whole[0].isnan()
    match spec.unit:
        case "class":
            values = whole.argmax(0).masked_fill(outside, -1)
        case "metre":
            values = to_metres(whole[0], depth) * (geometry.zoom if scale_depth else 1.0)
        case "unit vector":
            turn = torch.tensor([-1.0 if geometry.hflip else 1.0, 1.0, 1.0], device=whole.device)
            values = functional.normalize(whole.permute(1, 2, 0) * turn, dim=-1)
        case "probability":
            values = in_unit(whole[None], spec)[0, 0]
        case other:
            assert_never(other)
    return DenseMap(values.cpu().numpy())


def predictions(
    task: Task,
    scores: Float[Tensor, "r ..."],
    target: Target,
    *,
    scale_depth: bool = False,
    depth: DepthOutput = METRES,
) -> list[Prediction]:
    """Returns one prediction per row: a map at the size of its image file, or a class.

    Args:
        task: the task.
        scores: of its decoder (r, c, h, w), or of its classifier (r, k).
        target: of the task, with the ``geometry`` of each row.
        scale_depth: see `dense_map`.
        depth: see `dense_map`.
    """
    if isinstance(task.target, Label):
        return class_predictions(scores.detach().float().log_softmax(-1), task.target.names)
    geometries = [Geometry.of(numbers) for numbers in target.value["geometry"].tolist()]
    return [
        dense_map(one, task, geometry, scale_depth=scale_depth, depth=depth)
        for one, geometry in zip(scores, geometries, strict=True)
    ]
