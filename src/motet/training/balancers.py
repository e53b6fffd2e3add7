"""Balancers: combine the losses of several tasks into one gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from motet.core import ConfigError, Loss, Losses, System, nearest
from motet.core.ranks import world
from motet.training.distributed import add_gradients, add_over_ranks


class Balancer(Protocol):
    """Turns the losses of one update into ``.grad`` of every parameter, over all ranks."""

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Leaves the gradient in ``.grad``; every rank calls it, also one without a batch.

        Gradients are added over ranks in here (`add_gradients`), since a method that compares the gradients of tasks
        must add each before it combines them.

        Args:
            losses: one per micro-batch of this rank; reading an item runs the forward pass, and may be done again
                (without gradients, to compute the weights first).
            system: the system to train.

        Returns:
            The factor of each task's loss, for the log.
        """
        ...


@dataclass(frozen=True)
class RowMean:
    """Every row counts the same whatever its task: sum of all totals / sum of all weights.

    The LiT decoder's loss: with it, mixing probabilities are the shares of tasks in the loss. Totals and weights are
    added over rows, parts-back parts and ranks, then divided once. A task whose loss has terms (`Losses.terms`) counts
    with its mean times its rows.
    """

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        if system.loss_terms:
            _backward_of_means(losses, system, factors, by_rows=True)
            return factors
        parameters = list(system.parameters())
        if len(losses) == 1 and world() == 1:
            only = losses[0]
            _backward(only, dict.fromkeys(losses_by_key(only), 1 / nonzero(_sums([only], system)[0].sum())), factors)
            return factors
        weights = _sums([], system)[0]
        for part in losses:
            weights += _sums([part], system)[0]
            _backward(part, dict.fromkeys(losses_by_key(part), 1.0), factors)
        add_gradients(parameters)
        weight = nonzero(add_over_ranks(weights).sum())
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.div_(weight)
        return factors


@dataclass(frozen=True)
class Weighted:
    """Each task's mean times its number, added: sum over t of w_t * total_t / weight_t.

    A task that is in no row of the update adds nothing; the others are not scaled up for it.

    Args:
        by_task: w_t by task name; 1 for those not named.

    Raises:
        ConfigError: a negative number.
    """

    by_task: Mapping[str, float]

    @classmethod
    def from_lrs(cls, lrs: Mapping[str, float]) -> Weighted:
        """Returns weights equal to each task's learning rate over the smallest one, which the train config then has.

        Source: Lu et al., "12-in-1", section 3.3, "Loss Scaling".

        Raises:
            ConfigError: no learning rate, or one that is not positive.

        Examples:
            >>> dict(Weighted.from_lrs({"vqa": 4e-5, "retrieval": 2e-5}).by_task)
            {'vqa': 2.0, 'retrieval': 1.0}
        """
        least = min(lrs.values(), default=0.0)
        if not least > 0:
            raise ConfigError(f"Weighted.from_lrs: got {dict(lrs)}; want a positive learning rate per task")
        return cls({name: rate / least for name, rate in lrs.items()})

    def __post_init__(self) -> None:
        for name, weight in self.by_task.items():
            if not weight >= 0:
                raise ConfigError(f"Weighted: {name}: got {weight}; want 0 or more")

    def restrict(self, tasks: Sequence[str], sources: Sequence[str]) -> Weighted:
        """The weights of some tasks."""
        del sources
        return Weighted({name: weight for name, weight in self.by_task.items() if name in tasks})

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        for name in self.by_task:
            if name not in system.tasks:
                raise ConfigError(f"Weighted: got {name!r}, which is no task; {nearest(name, system.tasks)}")
        factors = {name: weight * self.by_task.get(name, 1.0) for name, weight in system.task_weights().items()}
        _backward_of_means(losses, system, factors)
        return factors


@dataclass(frozen=True)
class TaskMean:
    """Each task's mean, added: sum over t of total_t / weight_t. UniT's loss.

    With several tasks in one update and several micro-batches, the forward pass runs twice: every task is divided by
    a weight that is only known after all micro-batches.
    """

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        factors = system.task_weights()
        _backward_of_means(losses, system, factors)
        return factors


@dataclass(frozen=True)
class Uncertainty:
    """Each task's mean divided by twice itself: what learned uncertainties of the tasks come to, at their optimum.

        min over s of  sum over t of  exp(-s_t) / 2 * L_t + s_t / 2    is at  exp(-s_t) = 1 / L_t
        so the gradient is  sum over t of  g_t / (2 L_t),  which is that of  sum over t of  log(L_t) / 2

    Kendall et al. learn the log-variances s_t beside the model. A balancer holds no weights, and needs none: for any
    losses the best s_t is known, and so is what it makes of each task. It answers to each update's losses at once,
    where a learned one lags behind.

    Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018, section 3.2;
    the optimum is that of Kirchdorfer et al., "Analytical Uncertainty-Based Loss Weighting in Multi-Task Learning",
    2024. Losses have to be positive.

    Args:
        min_loss: a smaller loss counts as this one, so that a task that is nearly solved does not dominate the others.

    Raises:
        ConfigError: a number that is not positive.
    """

    min_loss: float = 1e-3

    def __post_init__(self) -> None:
        if not self.min_loss > 0:
            raise ConfigError(f"Uncertainty.min_loss: got {self.min_loss}; want a positive number")

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        parts, weights, totals = forward_parts(losses, system)
        factors = dict(system.task_weights())
        means = dict.fromkeys(system.tasks, 0.0)
        for (task, _), mean in zip(loss_keys(system), (totals / nonzero(weights)).tolist(), strict=True):
            means[task] += mean
        factors = {task: factor / (2 * max(means[task], self.min_loss)) for task, factor in factors.items()}
        scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
        for part in parts:
            _backward(part, scale, factors)
        add_gradients(system.parameters())
        return factors


def _backward_of_means(
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
        _backward(part, dict(zip(loss_keys(system), inverse.unbind(), strict=True)), factors)
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
        sums = _sums(parts, system)
    else:
        with torch.no_grad():
            sums = _sums(losses, system)
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


def _sums(parts: Iterable[Losses], system: System) -> Float[Tensor, "2 k"]:
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


def _backward(part: Losses, scale: Mapping[tuple[str, str], Tensor | float], factors: Mapping[str, float]) -> None:
    found = losses_by_key(part).items()
    terms = [loss.total * factors[key[0]] * scale[key] for key, loss in found if loss.total.requires_grad]
    if terms:
        torch.autograd.backward(torch.stack(terms).sum())
