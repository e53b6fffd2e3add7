"""A balancer at work on one system, its cost, and the base of those without a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from torch import Tensor

from motet.core import CheckpointError, ConfigError, Losses, System

State: TypeAlias = Mapping[str, Tensor]
"""The memory of a balancer, by name; the first axis of every tensor is the system's tasks."""


@dataclass(frozen=True, kw_only=True)
class BalancerInfo:
    """The line of a balancer in `motet list balancers`.

    Args:
        paper: where it is from.
        passes: backward passes per update.
        state: what it remembers between updates, and a checkpoint keeps.
    """

    paper: str
    passes: str = "1"
    state: str = "none"


@dataclass(frozen=True)
class BackwardCost:
    """The cost of a balancer beyond one backward pass.

    Args:
        passes: backward passes through the shared parameters in each update, at most.
        stored_bytes: of the tasks' gradients, which are in memory at the same time.
    """

    passes: int
    stored_bytes: int


class LiveBalancer(Protocol):
    """Turns the losses of one update into ``.grad`` of every parameter, over all ranks, and holds what it remembers."""

    @property
    def forwards_after_step(self) -> bool:
        """True if `after_step` has to be called."""
        ...

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

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Reads the losses of the same rows once more, under the weights that the optimiser has just changed.

        Args:
            losses: as in `backward`.
            system: the system to train.
        """
        ...

    def state_dict(self) -> State:
        """Returns what is remembered between updates, the same on every rank; a checkpoint keeps it."""
        ...

    def load_state_dict(self, state: State) -> None:
        """Continues from a state. Raises CheckpointError if it is of other tasks or another balancer."""
        ...


class Stateless:
    """The base of a balancer that remembers nothing: it is its own live balancer."""

    forwards_after_step = False

    def start(self, system: System) -> Self:
        """Returns itself."""
        del system
        return self

    def cost(self, system: System) -> BackwardCost:
        """Returns that of one backward pass."""
        del system
        return BackwardCost(1, 0)

    def after_step(self, losses: Sequence[Losses], system: System) -> None:
        """Does nothing."""

    def state_dict(self) -> State:
        """Returns nothing."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Accepts only an empty state."""
        check_state(type(self).__name__, state, {})


def check_state(name: str, saved: State, own: State) -> None:
    """Raises CheckpointError unless a saved state has the names and sizes of the balancer's own."""
    got, want = ({key: tuple(value.shape) for key, value in state.items()} for state in (saved, own))
    if got != want:
        raise CheckpointError(f"{name}: got a saved state of {got}; want {want}: the state of this balancer")


def missing_torchjd(name: str) -> ConfigError:
    """Returns the error of a balancer that needs torchjd where it is not installed."""
    return ConfigError(f"{name}: got no torchjd; want it installed (pip install 'motet[balance]')")
