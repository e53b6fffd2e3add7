"""A balancer that also measures, while another one trains, how a step for one task changes the loss of every other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import ConfigError, Losses, System
from motet.training.balancers.checks import check_positive
from motet.training.balancers.live import BackwardCost, LiveBalancer, State, check_state
from motet.training.balancers.loss_weights import task_losses
from motet.training.balancers.parts import forward_parts, loss_keys, nonzero
from motet.training.balancers.task_gradients import shared_and_own, task_rows
from motet.training.distributed import add_over_ranks
from motet.training.step_losses import StepLosses

_INNER = "inner."


@dataclass(frozen=True)
class MeasuredAffinity:
    """Trains as another balancer does, and every few updates looks one step ahead for each task.

        Z[i, j] = 1 - L_j(shared - lr g_i) / L_j(shared)

    g_i is the gradient of task i's mean loss by what the tasks share. A positive number: a step for task i lowers task
    j's loss. The weights are put back bit for bit, so the run ends as it would without. Each task's rows are those of
    the last update that had any, under the weights of now. Sums over all measurements are what it remembers, so they
    come with the run's checkpoint; after a resume a task is measured again once it has had rows.

    Source: Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", NeurIPS 2021, equation 1.
    The paper looks ahead with the optimiser's own step; this is a plain gradient step, with 32-bit losses.

    Args:
        balancer: trains the system.
        every: updates between two measurements.
        lr: length of the step, in gradients.

    Raises:
        ConfigError: a number that is not positive.
    """

    # A `Balancer`, which is defined by the package, after its modules.
    balancer: Any
    every: int = 10
    lr: float = 1e-3

    def __post_init__(self) -> None:
        check_positive(self, "every", "lr")

    def start(self, system: System) -> LiveMeasurement:
        """Returns the live balancer of a system. Raises ConfigError if it has one task, or shares nothing."""
        shared, _ = shared_and_own(system)
        if len(system.tasks) < 2 or not shared:
            raise ConfigError(
                f"MeasuredAffinity: got {len(system.tasks)} tasks and {len(shared)} shared trained parameters; want "
                "two or more tasks that share some"
            )
        return LiveMeasurement(self, self.balancer.start(system), len(system.tasks))

    def cost(self, system: System) -> BackwardCost:
        """Returns that of the other balancer in an update without a measurement."""
        cost: BackwardCost = self.balancer.cost(system)
        return cost


class LiveMeasurement:
    """The live balancer of `MeasuredAffinity`.

    Args:
        method: how often and how far.
        inner: trains the system.
        tasks: how many there are.
    """

    def __init__(self, method: MeasuredAffinity, inner: LiveBalancer, tasks: int) -> None:
        self.method, self.inner = method, inner
        self.latest: dict[int, StepLosses] = {}
        names = ("affinity", "affinity_squared", "affinity_count", "cosine", "cosine_squared", "cosine_count")
        self.sums = {name: torch.zeros(tasks, tasks, dtype=torch.float64) for name in names}
        # Updates, measurements, and passes of these, where a forward pass counts 1 and a backward pass 2.
        self.counts = {name: torch.zeros(1, dtype=torch.float64) for name in ("updates", "measured", "passes")}

    @property
    def forwards_after_step(self) -> bool:
        """True if the other balancer reads the losses after the step."""
        return self.inner.forwards_after_step

    def backward(self, losses: Sequence[Losses], system: System) -> Mapping[str, float]:
        """Measures where it is time, then leaves the other balancer's gradient; see `LiveBalancer`."""
        if isinstance(losses, StepLosses):
            self._remember(losses, system)
        if self.counts["updates"] % self.method.every == 0 and len(self.latest) > 1:
            self._measure(system)
        self.counts["updates"] += 1
        return self.inner.backward(losses, system)

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Gives the other balancer the losses after the step."""
        self.inner.after_step(losses, system)

    def state_dict(self) -> State:
        """Returns the sums and the other balancer's state."""
        return {**self.sums, **self.counts, **{_INNER + name: v for name, v in self.inner.state_dict().items()}}

    def load_state_dict(self, state: State) -> None:
        """Continues from a state."""
        own = {name: value for name, value in state.items() if not name.startswith(_INNER)}
        check_state("MeasuredAffinity", own, {**self.sums, **self.counts})
        self.sums = {name: own[name] for name in self.sums}
        self.counts = {name: own[name] for name in self.counts}
        self.inner.load_state_dict({n.removeprefix(_INNER): v for n, v in state.items() if n.startswith(_INNER)})

    def _remember(self, losses: StepLosses, system: System) -> None:
        tasks = list(system.tasks)
        present = torch.zeros(len(tasks), device=next(system.parameters()).device)
        for batch in losses.parts:
            for name, target in batch.targets.items():
                present[tasks.index(name)] += len(target.rows)
        for place in add_over_ranks(present).nonzero().flatten().tolist():
            self.latest[place] = losses

    def _measure(self, system: System) -> None:
        shared, _ = shared_and_own(system)
        buffers = [(buffer, buffer.detach().clone()) for buffer in system.buffers()]
        updates = list({id(losses): losses for losses in self.latest.values()}.values())
        places = sorted(self.latest)
        gradients = {id(update): _gradients(update, system) for update in updates}
        rows = torch.stack([gradients[id(self.latest[place])][place] for place in places])
        del gradients
        system.zero_grad(set_to_none=True)  # of the tasks' own parameters
        with torch.no_grad():
            self._add("cosine", places, places, _cosines(rows))
            before = self._means(updates, system)
            saved = [parameter.detach().clone() for parameter in shared]
            for place, row in zip(places, rows, strict=True):
                _move(shared, saved, self.method.lr * row)
                after = self._means(updates, system)
                self._add("affinity", [place], places, (1 - after / before)[None, places])
            _move(shared, saved, None)
            for buffer, value in buffers:
                buffer.copy_(value)
        self.counts["measured"] += 1
        self.counts["passes"] += len(updates) * (2 + len(places)) + 2 * len(places)

    def _means(self, updates: Sequence[StepLosses], system: System) -> Float[Tensor, "t"]:
        """Returns each task's mean loss on the last rows that it had; nan for a task without any."""
        means = torch.full((len(system.tasks),), torch.nan, dtype=torch.float64)
        for update in updates:
            _, weights, totals = forward_parts(update.again(full_precision=True), system)
            found = task_losses(system, weights, totals, 0)
            for place in found.live.tolist():
                if self.latest.get(place) is update:
                    means[place] = found.means[place]
        return means

    def _add(self, name: str, rows: Sequence[int], columns: Sequence[int], values: Float[Tensor, "r c"]) -> None:
        """Adds finite values to the sums; a task whose loss or gradient is 0 has none."""
        finite = values.isfinite()
        kept = torch.where(finite, values, 0.0)
        place = (torch.tensor(rows)[:, None], torch.tensor(columns)[None])
        for part, added in (("", kept), ("_squared", kept**2), ("_count", finite.double())):
            self.sums[name + part][place] += added


def _gradients(update: StepLosses, system: System) -> Float[Tensor, "t p"]:
    parts, weights, _ = forward_parts(update.again(full_precision=True), system)
    scale = dict(zip(loss_keys(system), (1 / nonzero(weights)).unbind(), strict=True))
    rows, _ = task_rows(parts, system, scale)
    return rows


def _cosines(rows: Float[Tensor, "l p"]) -> Float[Tensor, "l l"]:
    products = (rows @ rows.T).double().cpu()
    lengths = products.diagonal().sqrt()
    return products / torch.outer(lengths, lengths)


def _move(shared: Sequence[nn.Parameter], saved: Sequence[Tensor], step: Float[Tensor, "p"] | None) -> None:
    """Puts the saved values back, minus a step; caches of values computed from parameters see the change."""
    parts = [None] * len(shared) if step is None else torch.split(step, [p.numel() for p in shared])
    for parameter, value, part in zip(shared, saved, parts, strict=True):
        parameter.copy_(value if part is None else value - part.view_as(value))
