"""The protocol between decoding strategies and models: a state that is stepped with tokens and reordered by rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class DecodingState(Protocol):
    """The computation so far for b items with m rows each (beams, samples); the rows of one item are adjacent.

    An item is one entry of the batch, such as an image with its prompt. What its rows have in common, such as the keys
    and values of the image, may be stored once.
    """

    def select(self, items: Int[Tensor, "a"]) -> Self:
        """Returns the state of these items, each with all of its rows."""
        ...

    def reorder(self, parents: Int[Tensor, "b m"]) -> Self:
        """Returns a state with m rows per item: row j of item i continues the item's present row `parents[i, j]`."""
        ...


S = TypeVar("S", bound=DecodingState)


class StepModel(Protocol[S]):
    """A model that predicts the next token of every row of a state."""

    def step(self, state: S, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r v"], S]:
        """Appends one token to each of the r = b * m rows.

        Returns:
            Logits of the token that follows, in a tensor that the caller may overwrite; the state with the tokens.
        """
        ...


@dataclass(frozen=True)
class SpecialIds:
    """The token ids that are no text.

    Args:
        pad: fills rows; never generated.
        eos: ends an answer.
    """

    pad: int = 0
    eos: int = 1


def selected_rows(items: Int[Tensor, "a"], num_rows: int) -> Int[Tensor, "r"]:
    """Returns the flat places of all rows of some items, for `DecodingState.select`.

    Examples:
        >>> selected_rows(torch.tensor([2, 0]), num_rows=2).tolist()
        [4, 5, 0, 1]
    """
    return (items[:, None] * num_rows + torch.arange(num_rows, device=items.device)).flatten()


def reordered_rows(parents: Int[Tensor, "b m"], num_rows: int) -> Int[Tensor, "r"]:
    """Returns the flat places of rows that are counted from 0 within each item, for `DecodingState.reorder`.

    Args:
        parents: of each new row, a row of the same item.
        num_rows: rows per item before.

    Examples:
        >>> reordered_rows(torch.tensor([[1, 1, 0], [0, 0, 1]]), num_rows=2).tolist()
        [1, 1, 0, 2, 2, 3]
    """
    return (torch.arange(len(parents), device=parents.device)[:, None] * num_rows + parents).flatten()


def remaining_items(done: Bool[Tensor, "a"], full: Bool[Tensor, "a"]) -> Int[Tensor, "n"] | None:
    """Returns the items that go on where those that are done leave the batch now; None where all stay.

    They leave when that saves more than copying the state of the others costs, or one of them is full.

    Examples:
        >>> remaining_items(torch.tensor([True, False]), full=torch.tensor([False, False])).tolist()
        [1]
    """
    num_done = int(done.sum())
    if not num_done or (8 * num_done < len(done) and not bool(full.any())):
        return None
    return (~done).nonzero()[:, 0]
