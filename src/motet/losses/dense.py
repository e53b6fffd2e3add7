"""Losses of maps: a value at each pixel, and which pixels have a true one.

Every loss here takes the scores of r images, (r, c, h, w), and a mapping with two tensors: "map", the truth in the unit
of its `Dense`, (r, c, h, w) float or (r, h, w) classes; and "valid", (r, h, w), True where there is a truth. What
stands in the map at other pixels (-1, NaN) is never read.

The weight of a loss is a number of pixels, but of `rotate_loss` a number of images. So a balancer that takes each
task's own mean (`TaskMean`, `Weighted`, the gradient methods) is meant for them; `RowMean` would count an image of a
task whose weight is pixels as often as it has pixels.
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
"""What a mean is over: the pixels with a truth, or all, where those without count as right."""

_NO_CLASS = -100
_SHIFTS = (-1, 0, 1)


def dense_cross_entropy(scores: Float[Tensor, "r k h w"], value: Mapping[str, Tensor]) -> Loss:
    """Softmax cross entropy of each pixel's class; a pixel with a true class counts 1.

    Args:
        scores: of each class.
        value: "map" (r, h, w) the classes; "valid" (r, h, w).

    Examples:
        >>> truth = {"map": torch.tensor([[[0, -1], [3, 2]]]), "valid": torch.tensor([[[True, False], [True, True]]])}
        >>> loss = dense_cross_entropy(torch.zeros(1, 4, 2, 2), truth)
        >>> round(float(loss.total / loss.weight), 4), float(loss.weight)
        (1.3863, 3.0)
    """
    classes, valid = _classes(value)
    classes = classes.masked_fill(~valid, _NO_CLASS)
    total = functional.cross_entropy(scores.float(), classes, ignore_index=_NO_CLASS, reduction="sum")
    return Loss(total, valid.sum().float())


def dense_l1(scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor], *, over: Over = "valid") -> Loss:
    """The absolute difference, its mean over channels at each pixel: normals and edges; a pixel counts 1.

    Source: Bhattacharjee et al. 2023 (arXiv 2308.12372), section 3.3. In Standley et al. 2020 (`taskonomy_losses.py`)
    the mean is over all pixels, those without a truth counting as right (`over="all"`).

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        over: what its mean is over.

    Examples:
        >>> truth = {"map": torch.ones(1, 3, 2, 2), "valid": torch.ones(1, 2, 2, dtype=torch.bool)}
        >>> loss = dense_l1(torch.zeros(1, 3, 2, 2), truth)
        >>> float(loss.total), float(loss.weight)
        (4.0, 4.0)
    """
    apart, valid = _apart(scores, value)
    return Loss(apart.sum(), _pixels(valid, over).sum())


def balanced_l1(scores: Float[Tensor, "r 1 h w"], value: Mapping[str, Tensor]) -> Loss:
    """The absolute difference where the edges of an image count as much as all that is no edge; a pixel counts 1.

    Edges are a few percent of an image, and what makes the plain absolute difference smallest where they are uncertain
    is to say that there are none.

        total = sum over images of  valid pixels * (mean over edges + mean over the rest) / 2

    An image without edges, or with nothing else, has the plain mean. Not in the paper; an option for edges.

    Args:
        scores: the probability of an edge.
        value: "map" (r, 1, h, w), an edge where it is at least 0.5; "valid" (r, h, w).
    """
    apart, valid = _apart(scores, value)
    edge = valid & (torch.where(valid, value["map"][:, 0].float(), 0.0) >= 0.5)
    rest = valid & ~edge
    means = torch.stack([_mean(apart, edge), _mean(apart, rest)])
    kinds = torch.stack([edge.flatten(1).any(1), rest.flatten(1).any(1)])
    each = means.sum(0) / kinds.sum(0).clamp(min=1)
    pixels = _pixels(valid, "valid")
    return Loss((each * pixels).sum(), pixels.sum())


def rotate_loss(scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor], *, over: Over = "all") -> Loss:
    """The absolute difference under the best of nine shifts of the output by a pixel: depth; an image counts 1.

        min over (y, x) in {-1, 0, 1}^2 of  mean over pixels p inside the rim of  |scores[p + (y, x)] - map[p]|

    A map that is off by one pixel everywhere costs nothing, so sharp steps of depth are not blurred to be safe.

    Source: Standley et al. 2020 (arXiv 1905.07553), `taskonomy_losses.rotate_loss`: the only published loss of this
    kind, for what the adapters paper (arXiv 2308.12372, section 3.3) calls the rotated loss. An image whose inner
    pixels have no truth counts 0 here, there 1.

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        over: what an image's mean is over; the official code takes all pixels inside the rim.

    Raises:
        ConfigError: maps of fewer than three pixels a side, which have no inside.

    Examples:
        >>> truth = torch.arange(25.0).reshape(1, 1, 5, 5)
        >>> value = {"map": truth, "valid": torch.ones(1, 5, 5, dtype=torch.bool)}
        >>> float(rotate_loss(truth.roll(1, dims=3), value).total)
        0.0
    """
    height, width = scores.shape[-2:]
    if min(height, width) < 3:
        raise ConfigError(f"rotate_loss: got maps of {height} x {width} pixels; want 3 or more a side")
    inside = {"map": value["map"][..., 1:-1, 1:-1], "valid": value["valid"][:, 1:-1, 1:-1]}
    valid: Bool[Tensor, "r h w"] = inside["valid"]
    pixels = _pixels(valid, over)
    each = []
    for y in _SHIFTS:
        for x in _SHIFTS:
            shifted = scores[:, :, 1 + y : height - 1 + y, 1 + x : width - 1 + x]
            each.append(_apart(shifted, inside)[0].flatten(1).sum(1) / pixels.clamp(min=1))
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
    """The reversed Huber loss: absolute differences below a threshold, squares above it; a pixel counts 1.

        d <= c: d;  d > c: (d^2 + c^2) / (2 c);  c = threshold * largest d

    Source: Laina et al. 2016 (arXiv 1606.00373), section 3.2; the adapters' official code uses it for depth. There c is
    of the whole batch and the mean over all pixels (`per="batch"`, `over="all"`); here c is of each image, so that a
    batch costs the same in parts.

    Args:
        scores: in the unit of the map.
        value: "map" (r, c, h, w); "valid" (r, h, w).
        threshold: the share of the largest difference where squares begin.
        per: what the largest difference is of.
        over: what its mean is over.
    """
    valid: Bool[Tensor, "r h w"] = value["valid"]
    apart = (scores.float() - _map(value)).abs() * valid[:, None]
    largest = apart.detach().flatten(1).amax(1)
    if per == "batch":
        largest = largest.amax().expand_as(largest)
    bend = (threshold * largest)[:, None, None, None]
    # Where all differences are 0 so is the bend, and nothing lies above it.
    squares = (apart.square() + bend.square()) / (2 * bend.clamp(min=1e-12))
    total = torch.where(apart <= bend, apart, squares).mean(1).sum()
    return Loss(total, _pixels(valid, over).sum())


@dataclass(frozen=True)
class BerHu:
    """`berhu` with its options, as a value a task can carry and a saved folder can hold.

    Args:
        threshold: the share of the largest difference where squares begin.
        per: what the largest difference is of.
        over: what its mean is over.

    Raises:
        ConfigError: a threshold that is not positive.
    """

    threshold: float = 0.2
    per: Literal["image", "batch"] = "image"
    over: Over = "valid"

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ConfigError(f"BerHu.threshold: got {self.threshold}; want a positive share")

    def __call__(self, scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor]) -> Loss:
        return berhu(scores, value, threshold=self.threshold, per=self.per, over=self.over)


def _classes(value: Mapping[str, Tensor]) -> tuple[Int[Tensor, "r h w"], Bool[Tensor, "r h w"]]:
    return value["map"].long(), value["valid"]


def _map(value: Mapping[str, Tensor]) -> Float[Tensor, "r c h w"]:
    """The truth with 0 where there is none: NaN times nothing is still NaN."""
    return torch.where(value["valid"][:, None], value["map"].float(), 0.0)


def _apart(
    scores: Float[Tensor, "r c h w"], value: Mapping[str, Tensor]
) -> tuple[Float[Tensor, "r h w"], Bool[Tensor, "r h w"]]:
    """The absolute difference at each pixel, 0 where there is no truth, and where there is one."""
    valid = value["valid"]
    return (scores.float() - _map(value)).abs().mean(1) * valid, valid


def _pixels(valid: Bool[Tensor, "r h w"], over: Over) -> Float[Tensor, "r"]:
    """How many pixels of each image count."""
    counted = valid if over == "valid" else torch.ones_like(valid)
    return counted.flatten(1).sum(1).float()


def _mean(apart: Float[Tensor, "r h w"], among: Bool[Tensor, "r h w"]) -> Float[Tensor, "r"]:
    """The mean of each image over some pixels; 0 where it has none of them."""
    return (apart * among).flatten(1).sum(1) / among.flatten(1).sum(1).clamp(min=1)
