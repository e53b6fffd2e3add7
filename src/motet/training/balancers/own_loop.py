"""A balancer in a training loop of one's own: from the losses of tasks to the gradients of a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from motet.core import ConfigError, Loss, Losses, System
from motet.training.balancers.live import LiveBalancer, State

if TYPE_CHECKING:
    from motet.training.balancers import Balancer


class BalancedBackward:
    """Calls a balancer in place of ``loss.backward()``.

        balanced = BalancedBackward(PCGrad(), model, ("cat", "dog"), shared=model.trunk)
        balanced.backward({"cat": cat_loss, "dog": dog_loss})      # leaves .grad
        optimizer.step()

    Every task counts as one row: `RowMean` and `TaskMean` are the same here.

    Args:
        balancer: any of `motet.training.balancers`.
        module: its parameters get the gradients.
        tasks: their names.
        shared: the part that tasks share, whose gradients are combined; a list for several blocks.

    Raises:
        ConfigError: a task twice or none, or a balancer that needs more tasks.
    """

    def __init__(
        self, balancer: Balancer, module: nn.Module, tasks: Sequence[str], *, shared: nn.Module | Sequence[nn.Module]
    ) -> None:
        if not tasks or len(set(tasks)) != len(tasks):
            raise ConfigError(f"BalancedBackward: tasks: got {tuple(tasks)}; want every name once, at least one")
        parts = (shared,) if isinstance(shared, nn.Module) else tuple(shared)
        self._system = cast(System, _ModuleWithTasks(module, tuple(tasks), parts))
        self._live: LiveBalancer = balancer.start(self._system)

    def backward(self, losses: Mapping[str, Tensor]) -> Mapping[str, float]:
        """Leaves the combined gradient in ``.grad`` and returns the factor of each task's loss.

        Args:
            losses: a mean per task; of some tasks, where a batch has no row of the others.

        Raises:
            ConfigError: a loss of an unknown task, or one that is no scalar.
        """
        return self._live.backward([self._losses(losses)], self._system)

    @property
    def forwards_after_step(self) -> bool:
        """True if `after_step` has to be called with the losses of the same rows under the new weights."""
        return self._live.forwards_after_step

    def after_step(self, losses: Mapping[str, Tensor]) -> None:
        """Takes in the losses after the optimiser's step; only where `forwards_after_step` is true."""
        with torch.no_grad():
            self._live.after_step([self._losses(losses)], self._system)

    def state_dict(self) -> State:
        """Returns what the balancer remembers."""
        return self._live.state_dict()

    def load_state_dict(self, state: State) -> None:
        """Continues from a state. Raises CheckpointError if it is of another balancer."""
        self._live.load_state_dict(state)

    def _losses(self, losses: Mapping[str, Tensor]) -> Losses:
        found = {}
        for name, loss in losses.items():
            if name not in self._system.tasks:
                raise ConfigError(f"BalancedBackward: got a loss of {name!r}; want one of {list(self._system.tasks)}")
            if not isinstance(loss, Tensor) or loss.ndim != 0:
                got = f"a tensor {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
                raise ConfigError(f"BalancedBackward: the loss of {name!r}: got {got}; want a mean, a tensor ()")
            found[name] = Loss(loss, torch.ones((), device=loss.device))
        return Losses(found)


class _ModuleWithTasks:
    """A module as balancers see a system."""

    loss_terms: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def __init__(self, module: nn.Module, tasks: tuple[str, ...], shared: tuple[nn.Module, ...]) -> None:
        self.tasks: Mapping[str, None] = dict.fromkeys(tasks)
        self._module, self._shared = module, shared

    def parameters(self) -> Iterator[nn.Parameter]:
        return self._module.parameters()

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self._module.named_parameters()

    def buffers(self) -> Iterator[Tensor]:
        return self._module.buffers()

    def zero_grad(self, set_to_none: bool = True) -> None:
        self._module.zero_grad(set_to_none)

    def task_weights(self) -> Mapping[str, float]:
        return dict.fromkeys(self.tasks, 1.0)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        parts = {
            str(place): [p for p in part.parameters() if p.requires_grad] for place, part in enumerate(self._shared)
        }
        return {name: parameters for name, parameters in parts.items() if parameters}
