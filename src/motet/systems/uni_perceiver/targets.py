"""Encoded targets that are kept as long as no weight changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor, nn


class KeptTargets:
    """Features of names and words, computed once between updates.

    They are kept only where no gradient is asked for and nothing is dropped, and forgotten when a weight was written.

    Args:
        system: whose weights they come from.
    """

    def __init__(self, system: nn.Module) -> None:
        # In a tuple: the system is no part of this.
        self._system = (system,)
        self._stamp: tuple[object, ...] = ()
        self._kept: dict[Hashable, Tensor] = {}

    def get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """The features under a key, made where they are not there."""
        (system,) = self._system
        if system.training or torch.is_grad_enabled():
            return make()
        if (stamp := _stamp(system)) != self._stamp:
            self._stamp, self._kept = stamp, {}
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def __deepcopy__(self, memo: dict[int, object]) -> KeptTargets:
        return KeptTargets(memo.get(id(self._system[0]), self._system[0]))  # type: ignore[arg-type]  # memo has copies


def _stamp(system: nn.Module) -> tuple[object, ...]:
    """Changes when a weight does: each write raises its version, and a move gives it another place."""
    parameters = list(system.parameters())
    places = hash(tuple(parameter.data_ptr() for parameter in parameters))
    kinds = {(parameter.device, parameter.dtype) for parameter in parameters}
    return sum(p._version for p in parameters), places, frozenset(kinds), torch.is_autocast_enabled("cuda")
