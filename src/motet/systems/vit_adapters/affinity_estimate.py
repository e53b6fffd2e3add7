"""Cosines of the tasks' gradients, collected over batches and refreshes, and the affinities that follow from them."""

from __future__ import annotations

from typing import assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motet.systems.vit_adapters.options import Troa
from motet.systems.vit_adapters.troa import initial_affinities, update_affinities


class AffinityEstimate(nn.Module):
    """The memory of TROA between steps; it is saved with the model, so that a resumed run ends as a whole one.

    Args:
        options: how affinities are updated.
        num_tasks: number of tasks.

    Attributes:
        average: of the cosines of all refreshes, by pair of tasks.
        refreshes: the refreshes that had gradients of both tasks, by pair.
        spread: the standard deviation of the cosines between the batches of the last refresh.
    """

    average: Tensor
    refreshes: Tensor
    spread: Tensor
    sums: Tensor
    squares: Tensor
    counts: Tensor

    def __init__(self, options: Troa, num_tasks: int) -> None:
        super().__init__()
        self.options = options
        for name in ("average", "refreshes", "spread", "sums", "squares", "counts"):
            self.register_buffer(name, torch.zeros(num_tasks, num_tasks))

    def add(self, cosines: Float[Tensor, "n n"], present: Bool[Tensor, "n"]) -> None:
        """Adds the cosines of one batch; those of tasks without a gradient do not count."""
        both = (present[:, None] & present[None, :]).to(cosines.dtype)
        self.sums += cosines * both
        self.squares += cosines.square() * both
        self.counts += both

    def updated(self, affinities: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
        """Returns new affinities from the batches since the last update, and forgets these.

        Args:
            affinities: the present ones.
        """
        options, many = self.options, self.counts.clamp_min(1)
        cosines, found = self.sums / many, self.counts > 0
        self.spread.copy_((self.squares / many - cosines.square()).clamp_min(0).sqrt())
        self.refreshes += found
        self.average += torch.where(found, (cosines - self.average) / self.refreshes.clamp_min(1), 0.0)
        for part in (self.sums, self.squares, self.counts):
            part.zero_()
        present = found.diagonal()
        match options.update:
            case "multiply":
                start, moves = affinities, cosines
            case "decaying":
                start, moves = affinities, cosines / self.refreshes.clamp_min(1)
            case "average":
                start, moves = initial_affinities(options, len(affinities)).to(affinities), self.average
                present = self.refreshes.diagonal() > 0
            case other:
                assert_never(other)
        return update_affinities(
            start, moves, present,
            kappa=options.kappa, sign=options.sign, diagonal=options.diagonal, floor=options.floor,
        )  # fmt: skip
