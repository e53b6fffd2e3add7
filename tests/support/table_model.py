"""A model whose next token depends on its place and on the token before, by a table of logits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class TableState:
    items: Tensor
    place: int
    num_rows: int = 1

    def select(self, items: Tensor) -> TableState:
        return replace(self, items=self.items[items])

    def reorder(self, parents: Tensor) -> TableState:
        return replace(self, num_rows=parents.shape[1])


class TableModel:
    """Reads `table[item, place, token before]`; the first token before is 0."""

    def __init__(self, table: Tensor) -> None:
        self.table, self.steps = table, 0

    def start(self) -> tuple[TableState, Tensor]:
        return TableState(torch.arange(len(self.table)), 0), self.table[:, 0, 0].clone()

    def step(self, state: TableState, tokens: Tensor) -> tuple[Tensor, TableState]:
        self.steps += 1
        rows = state.items.repeat_interleave(state.num_rows)
        return self.table[rows, state.place + 1, tokens].clone(), replace(state, place=state.place + 1)
