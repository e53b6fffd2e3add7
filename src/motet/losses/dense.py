"""Losses of dense maps, with a mask of the annotated pixels.

Every loss here takes the scores of r images, (r, c, h, w), and a mapping with two tensors: "map", the target in the
unit of its `Dense`, (r, c, h, w) float or (r, h, w) classes; and "valid", (r, h, w), True at annotated pixels. The
values of the map at other pixels (-1, NaN) are never read.

The weight of a loss is a number of pixels, except for `rotate_loss`, where it is a number of images. So these losses
need a balancer that takes each task's own mean (`TaskMean`, `Weighted`, the gradient methods); `RowMean` would weight
an image of a task by its number of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from motet.core import ConfigError, Loss

Over: TypeAlias = Literal["valid", "all"]
"""The pixels that a mean is over: the annotated ones, or all, where the others count as right."""

_NO_CLASS = -100
_LEAST_CHANCE = 1e-6
"""Probabilities are this far from 0 and 1 at least, since log 0 is infinite."""
_SHIFTS = (-1, 0, 1)


def dense_cross_entropy(scores: Float[Tensor, "r k h w"], value: Mapping[str, Tensor]) -> Loss:
    """Returns the softmax cross entropy of each pixel's class; an annotated pixel counts 1.

    Args:
        scores: of each class.
        value: "map" (r, h, w) the classes; "valid" (r, h, w).

    Examples:
        >>> target = {"map": torch.tensor([[[0, -1], [3, 2]]]), "valid": torch.tensor([[[True, False], [True, True]]])}
        >>> loss = dense_cross_entropy(torch.zeros(1, 4, 2, 2), target)
        >>> round(float(loss.total / loss.weight), 4), float(loss.weight)
        (1.3863, 3.0)
    """
    classes, valid = _classes(value)
    classes = classes.masked_fill(~valid, _NO_CLASS)
    total = functional.cross_entropy(scores.float(), classes, ignore_index=_NO_CLASS, reduction="sum")
    return Loss(total, valid.sum().float())


def dense_l1(scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor], *, over: Over = "valid") -> Loss:
    """Returns the absolute difference, averaged over channels, for normals and edges; a pixel counts 1.

    Source: Bhattacharjee et al. 2023 (arXiv 2308.12372), section 3.3. In Standley et al. 2020 (`taskonomy_losses.py`)
    the mean is over all pixels, and those without an annotation count as right (`over="all"`).

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        over: the pixels that its mean is over.

    Examples:
        >>> target = {"map": torch.ones(1, 3, 2, 2), "valid": torch.ones(1, 2, 2, dtype=torch.bool)}
        >>> loss = dense_l1(torch.zeros(1, 3, 2, 2), target)
        >>> float(loss.total), float(loss.weight)
        (4.0, 4.0)
    """
    difference, valid = _difference(scores, value)
    return Loss(difference.sum(), _pixels(valid, over).sum())


def balanced_l1(scores: Float[Tensor, "r 1 h w"], value: Mapping[str, Tensor]) -> Loss:
    """Returns the absolute difference, weighted so that edge pixels count as much as all others; a pixel counts 1.

    Edges are a few percent of an image, so the plain absolute difference is smallest if uncertain edges are predicted
    as none.

        total = sum over images of  valid pixels * (mean over edges + mean over the rest) / 2

    An image without edges, or with edges only, has the plain mean. This is not in the paper; it is an option for edges.

    Args:
        scores: the probability of an edge.
        value: "map" (r, 1, h, w), an edge where it is at least 0.5; "valid" (r, h, w).
    """
    difference, valid = _difference(scores, value)
    edge = valid & (torch.where(valid, value["map"][:, 0].float(), 0.0) >= 0.5)
    rest = valid & ~edge
    means = torch.stack([_mean(difference, edge), _mean(difference, rest)])
    kinds = torch.stack([edge.flatten(1).any(1), rest.flatten(1).any(1)])
    each = means.sum(0) / kinds.sum(0).clamp(min=1)
    pixels = _pixels(valid, "valid")
    return Loss((each * pixels).sum(), pixels.sum())


@dataclass(frozen=True)
class WeightedCrossEntropy:
    """The cross entropy of edges with more weight on the few edge pixels; a pixel counts 1.

        total = sum over images of  valid pixels * (w mean over edges + (1 - w) mean over the rest)

    of -log p over edges and -log(1 - p) over the rest. The best p grows with a pixel's chance of an edge, so that a
    threshold can be chosen afterwards. The best prediction of the absolute difference is 0 or 1 and nothing between.

    Source: Xie and Tu 2015 (arXiv 1504.06375), section 2.2, whose weight of edges is the share of all other pixels:
    that is w = 0.5 here, up to a factor. An image without edges, or with edges only, has the plain mean.

    Args:
        edge_weight: w.

    Raises:
        ConfigError: a weight that is not between 0 and 1.
    """

    edge_weight: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.edge_weight < 1:
            raise ConfigError(f"WeightedCrossEntropy.edge_weight: got {self.edge_weight}; want between 0 and 1")

    def __call__(self, scores: Float[Tensor, "r 1 h w"], value: Mapping[str, Tensor]) -> Loss:
        valid: Bool[Tensor, "r h w"] = value["valid"]
        edge = valid & (torch.where(valid, value["map"][:, 0].float(), 0.0) >= 0.5)
        rest = valid & ~edge
        chance = scores[:, 0].float().clamp(_LEAST_CHANCE, 1 - _LEAST_CHANCE)
        means = torch.stack([_mean(-chance.log(), edge), _mean(-(1 - chance).log(), rest)])
        kinds = torch.stack([edge.flatten(1).any(1), rest.flatten(1).any(1)])
        weights = means.new_tensor([self.edge_weight, 1 - self.edge_weight])[:, None] * kinds
        each = (means * weights).sum(0) / weights.sum(0).clamp(min=_LEAST_CHANCE)
        pixels = _pixels(valid, "valid")
        return Loss((each * pixels).sum(), pixels.sum())


def rotate_loss(scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor], *, over: Over = "all") -> Loss:
    """Returns the smallest absolute difference over nine shifts by one pixel, for depth; an image counts 1.

        min over (y, x) in {-1, 0, 1}^2 of  mean over pixels p not at the border of  |scores[p + (y, x)] - map[p]|

    A map that is shifted by one pixel has a loss of 0, so sharp steps of depth are not blurred.

    Source: Standley et al. 2020 (arXiv 1905.07553), `taskonomy_losses.rotate_loss`: the only published loss of this
    kind, for the rotated loss of the adapters paper (arXiv 2308.12372, section 3.3). An image without an annotation
    inside its border counts 0 here, 1 there.

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        over: the pixels that an image's mean is over; the official code takes all but those at the border.

    Raises:
        ConfigError: maps of fewer than three pixels per side, which are all border.

    Examples:
        >>> target = torch.arange(25.0).reshape(1, 1, 5, 5)
        >>> value = {"map": target, "valid": torch.ones(1, 5, 5, dtype=torch.bool)}
        >>> float(rotate_loss(target.roll(1, dims=3), value).total)
        0.0
    """
    height, width = scores.shape[-2:]
    if min(height, width) < 3:
        raise ConfigError(f"rotate_loss: got maps of {height} x {width} pixels; want 3 or more per side")
    inside = {"map": value["map"][..., 1:-1, 1:-1], "valid": value["valid"][:, 1:-1, 1:-1]}
    valid: Bool[Tensor, "r h w"] = inside["valid"]
    pixels = _pixels(valid, over)
    each = []
    for y in _SHIFTS:
        for x in _SHIFTS:
            shifted = scores[:, :, 1 + y : height - 1 + y, 1 + x : width - 1 + x]
            each.append(_difference(shifted, inside)[0].flatten(1).sum(1) / pixels.clamp(min=1))
    best = torch.stack(each).amin(0)
    return Loss(best.sum(), valid.flatten(1).any(1).sum().float())


def berhu(
    scores: Float[Tensor, "r c h w"],
    value: Mapping[str, Tensor],
    *,
    threshold: float = 0.2,
    per: Literal["image", "batch"] = "image",
    over: Over = "valid",
) -> Loss:
    """Returns the reversed Huber loss: absolute differences below a cutoff, squares above it; a pixel counts 1.

        d <= c: d;  d > c: (d^2 + c^2) / (2 c);  c = threshold * largest d

    Source: Laina et al. 2016 (arXiv 1606.00373), section 3.2; the adapters' official code uses it for depth. There c is
    of the whole batch and the mean is over all pixels (`per="batch"`, `over="all"`); here c is of each image, so that
    the loss does not depend on the batch.

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        threshold: the cutoff c as a share of the largest difference.
        per: whether the largest difference is taken per image or over the batch.
        over: the pixels that its mean is over.
    """
    valid: Bool[Tensor, "r h w"] = value["valid"]
    difference = (scores.float() - _map(value)).abs() * valid[:, None]
    largest = difference.detach().flatten(1).amax(1)
    if per == "batch":
        largest = largest.amax().expand_as(largest)
    cutoff = (threshold * largest)[:, None, None, None]
    # If all differences are 0, so is the cutoff, and no difference is above it.
    squares = (difference.square() + cutoff.square()) / (2 * cutoff.clamp(min=1e-12))
    total = torch.where(difference <= cutoff, difference, squares).mean(1).sum()
    return Loss(total, _pixels(valid, over).sum())


@dataclass(frozen=True)
class BerHu:
    """The loss `berhu` with its options, as a value that can be `Task.loss` and be saved with a task.

    Args:
        threshold: the cutoff c as a share of the largest difference.
        per: whether the largest difference is taken per image or over the batch.
        over: the pixels that its mean is over.

    Raises:
        ConfigError: a threshold that is not positive.
    """

    threshold: float = 0.2
    per: Literal["image", "batch"] = "image"
    over: Over = "valid"

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ConfigError(f"BerHu.threshold: got {self.threshold}; want a share above 0")

    def __call__(self, scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor]) -> Loss:
        return berhu(scores, value, threshold=self.threshold, per=self.per, over=self.over)


def _classes(value: Mapping[str, Tensor]) -> tuple[Int[Tensor, "r h w"], Bool[Tensor, "r h w"]]:
    return value["map"].long(), value["valid"]


def _map(value: Mapping[str, Tensor]) -> Float[Tensor, "r c h w"]:
    """Returns the target with 0 at pixels without an annotation, since NaN times 0 is NaN."""
    return torch.where(value["valid"][:, None], value["map"].float(), 0.0)


def _difference(
    scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor]
) -> tuple[Float[Tensor, "r h w"], Bool[Tensor, "r h w"]]:
    """Returns the absolute difference at each pixel, 0 without an annotation, and the mask of annotated pixels."""
    valid = value["valid"]
    return (scores.float() - _map(value)).abs().mean(1) * valid, valid


def _pixels(valid: Bool[Tensor, "r h w"], over: Over) -> Float[Tensor, "r"]:
    """Returns the number of pixels of each image that count."""
    counted = valid if over == "valid" else torch.ones_like(valid)
    return counted.flatten(1).sum(1).float()


def _mean(difference: Float[Tensor, "r h w"], mask: Bool[Tensor, "r h w"]) -> Float[Tensor, "r"]:
    """Returns the mean of each image over masked pixels; 0 for an empty mask."""
    return (difference * mask).flatten(1).sum(1) / mask.flatten(1).sum(1).clamp(min=1)
