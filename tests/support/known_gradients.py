"""A system whose gradients are given by its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from toys import label_task

from motet.core import Batch, Loss, Losses, Prediction, System, Target


class Known(System):
    """The loss of a task is a . w, with an `a` for each row: its gradient by the shared w is the mean of them."""

    mixes: ClassVar[bool] = True
    seen: Tensor

    def __init__(self, scale: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.shared, self.other = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.ones(1))
        self.scale = dict(scale or {})
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(()))
        self.tasks = {name: label_task(name) for name in ("a", "b", "lone")}

    def losses(self, batch: Batch) -> Losses:
        if self.training:
            self.seen += 1
        found = {}
        for name, target in batch.targets.items():
            slopes = self.dropout(target.value) * self.scale.get(name, 1.0)
            total = (slopes @ self.shared).sum() if name != "lone" else (self.other * slopes).sum()
            found[name] = Loss(total, torch.tensor(float(len(target.rows))))
        return Losses(found)

    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        raise NotImplementedError

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        return {"first": [self.shared], "second": [self.other]}


def batch(task: str, *slopes: tuple[float, float]) -> Batch:
    value = torch.tensor(slopes)
    ids = tuple(str(i) for i in range(len(slopes)))
    return Batch(ids, {}, {task: Target(torch.arange(len(slopes)), value)})
