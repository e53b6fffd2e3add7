"""The losses of one update's micro-batches, forwarded when they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import overload

import torch

from motet.core import Batch, Losses, seed_for
from motet.core.ranks import rank


class StepLosses(Sequence[Losses]):
    """The losses of one update's parts; reading an item runs its forward pass.

    Dropout is keyed by (seed, step, update, rank, part), so that it is the same after a resume and in a second pass.

    Args:
        forward: `System.losses`, compiled or not.
        parts: this rank's batches.
        key: seed, step and number of the update in the step.
        device: of the parts.
        autocast: a context for the forward pass.
    """

    def __init__(
        self,
        forward: Callable[[Batch], Losses],
        parts: Sequence[Batch],
        key: tuple[int, int, int],
        device: torch.device,
        autocast: Callable[[], contextlib.AbstractContextManager[object]],
    ) -> None:
        self.forward, self.parts, self.key, self.device, self.autocast = forward, parts, key, device, autocast
        self.found: dict[int, Losses] = {}

    def again(self, *, full_precision: bool = False) -> StepLosses:
        """Returns the same losses to be forwarded anew, with the same dropout, apart from those found so far.

        Args:
            full_precision: without autocast, where small differences of losses count.
        """
        autocast = contextlib.nullcontext if full_precision else self.autocast
        return StepLosses(self.forward, self.parts, self.key, self.device, autocast)

    def __len__(self) -> int:
        return len(self.parts)

    @overload
    def __getitem__(self, place: int) -> Losses: ...
    @overload
    def __getitem__(self, place: slice) -> list[Losses]: ...
    def __getitem__(self, place: int | slice) -> Losses | list[Losses]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        batch = self.parts[place]  # raises IndexError past the end, which is how iteration stops
        _seed(self.device, seed_for("dropout", *self.key, rank(), place) % 2**63)
        with self.autocast():
            losses = self.forward(batch)
        self.found[place] = losses
        return losses


def _seed(device: torch.device, seed: int) -> None:
    """Seeds the generators that a forward pass on this device reads.

    `torch.manual_seed` also stores a call with its traceback for every kind of device that is missing, each time.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)
