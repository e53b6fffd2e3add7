"""The sums of an update's losses over micro-batches and ranks, and their way backward: what all balancers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import Loss, Losses, System
from motet.training.distributed import add_gradients, add_over_ranks


def backward_of_means(
    losses: Sequence[Losses], system: System, factors: Mapping[str, float], *, by_rows: bool = False
) -> None:
    """Leaves the gradient of the sum over tasks of factor * mean, over all parts and ranks.

    Args:
        losses: one per part.
        system: the system to train.
        factors: by task.
        by_rows: multiply each task's mean with its share of the rows: what `RowMean` means where a task's loss has
            terms that are means over something else.
    """
    parts, weights, _ = forward_parts(losses, system)
    inverse = 1 / nonzero(weights)
    if by_rows:
        rows = weights[: len(system.tasks)]
        share = dict(zip(system.tasks, (rows / nonzero(rows.sum())).unbind(), strict=True))
        inverse = inverse * torch.stack([share[task] for task, _ in loss_keys(system)])
    for part in parts:
        backward_part(part, dict(zip(loss_keys(system), inverse.unbind(), strict=True)), factors)
    add_gradients(system.parameters())


class ForwardedParts(NamedTuple):
    """The parts of an update after the forward pass, before anything goes backward.

    Attributes:
        parts: one that was forwarded, or several that are forwarded when they are read.
        weights: in 64 bits where the device has them.
        totals: of the losses.
    """

    parts: Sequence[Losses]
    weights: Tensor
    totals: Tensor


def forward_parts(losses: Sequence[Losses], system: System) -> ForwardedParts:
    """Adds the losses of an update's parts, before anything goes backward.

    One part is forwarded once. Several are forwarded here without gradients, to compute the sums, and again when they
    are read: their graphs would not fit into memory together.
    """
    parts: Sequence[Losses] = losses
    if len(losses) == 1:
        parts = [losses[0]]
        sums = sums_of(parts, system)
    else:
        with torch.no_grad():
            sums = sums_of(losses, system)
    return ForwardedParts(parts, *add_over_ranks(sums))


def loss_keys(system: System) -> tuple[tuple[str, str], ...]:
    """(task, "") for each task's own sum, then (task, term) for every term: the same on every rank.

    Examples:
        >>> from types import SimpleNamespace
        >>> loss_keys(SimpleNamespace(tasks={"vqa": 0, "detect": 0}, loss_terms={"detect": ("class", "box")}))
        (('vqa', ''), ('detect', ''), ('detect', 'class'), ('detect', 'box'))
    """
    own = tuple((task, "") for task in system.tasks)
    return own + tuple((task, term) for task in system.tasks for term in system.loss_terms.get(task, ()))


def losses_by_key(part: Losses) -> dict[tuple[str, str], Loss]:
    """Returns a part's own sums and terms, under the keys of `loss_keys`."""
    return {(task, ""): loss for task, loss in part.tasks.items()} | dict(part.terms)


def sums_of(parts: Iterable[Losses], system: System) -> Float[Tensor, "2 k"]:
    """Weights, then totals, of all parts by key in the system's order, added in 64 bits where the device has them."""
    device = next(system.parameters()).device
    keys = loss_keys(system)
    sums = torch.zeros(2, len(keys), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)
    places = {key: place for place, key in enumerate(keys)}
    for part in parts:
        for key, loss in losses_by_key(part).items():
            sums[0, places[key]] += loss.weight.detach().to(sums)
            sums[1, places[key]] += loss.total.detach().to(sums)
    return sums


def nonzero(weight: Tensor) -> Tensor:
    """Returns the weight, never 0: where nothing counts the total is 0 too, and 0 / 0 must not reach the gradients."""
    return weight.clamp(min=torch.finfo(torch.float32).tiny)


def backward_part(part: Losses, scale: Mapping[tuple[str, str], Tensor | float], factors: Mapping[str, float]) -> None:
    found = losses_by_key(part).items()
    terms = [loss.total * factors[key[0]] * scale[key] for key, loss in found if loss.total.requires_grad]
    if terms:
        torch.autograd.backward(torch.stack(terms).sum())
