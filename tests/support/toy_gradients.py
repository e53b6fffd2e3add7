"""Gradients of toys in a process or two: what the tests of balancers compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from toys import ToyProcessor, ToyReader, ToySystem, label_task, toy_system

from motet.core import Batch, Loss, Losses
from motet.core.ranks import rank, world
from motet.data.source import Source
from motet.training.balancers import Balancer, RowMean, TaskMean, Weighted
from motet.training.distributed import processes

BALANCERS: dict[str, Balancer] = {
    "row mean": RowMean(),
    "task mean": TaskMean(),
    "weighted": Weighted({"task_a": 0.3, "task_b": 2.0}),
}
SOURCES = tuple(
    Source(name=letter, reader=ToyReader(letter, 20), tasks=(label_task(f"task_{letter}"),)) for letter in "abc"
)
# By source name -> rows: uneven, and no row of task_c anywhere.
ROWS = {"a": range(9), "b": range(3)}


def system() -> ToySystem:
    return toy_system(SOURCES, dropout=0.0)


class TermsToySystem(ToySystem):
    """The same, and task_a's loss is a mean over things: a row shows as many as its label says, and one more."""

    loss_terms: Mapping[str, tuple[str, ...]] = MappingProxyType({"task_a": ("things",)})

    def losses(self, batch: Batch) -> Losses:
        losses = super().losses(batch)
        if "task_a" not in batch.targets:
            return losses
        shown = batch.targets["task_a"].value + 1
        missed = nn.functional.cross_entropy(self.logits(batch, "task_a"), shown - 1, reduction="none")
        rows = losses.tasks["task_a"]
        terms = {("task_a", "things"): Loss((missed * shown).sum(), shown.sum().float())}
        return Losses(dict(losses.tasks) | {"task_a": Loss(0 * rows.total, rows.weight)}, losses.aux, terms)


def system_with_terms() -> ToySystem:
    system = toy_system(SOURCES, dropout=0.0)
    system.__class__ = TermsToySystem
    return system


def batch(rows: Mapping[str, Sequence[int]]) -> Batch:
    made = [
        ToyProcessor().row(source.reader[index], source.tasks, None)
        for source in SOURCES
        for index in rows.get(source.name, ())
    ]
    return ToyProcessor().collate(made, keep_annotations=False)


@dataclass
class Forward(Sequence[Losses]):
    """Losses that run when they are asked for, as the loop gives them."""

    system: ToySystem
    batches: list[Batch]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, place: Any) -> Any:
        return self.system.losses(self.batches[place])


def gradients(
    balancer: Balancer, batches: list[Batch], made: Callable[[], ToySystem] = system
) -> dict[str, Tensor | None]:
    trained = made()
    balancer.start(trained).backward(Forward(trained, batches), trained)
    return {name: parameter.grad for name, parameter in trained.named_parameters()}


# What each of two ranks has: shares of both tasks, one task each, everything on one, uneven numbers of parts.
TWO_RANKS = {
    "shares of both": [[{"a": range(4), "b": range(1)}], [{"a": range(4, 9), "b": range(1, 3)}]],
    "a task each": [[{"a": range(9)}], [{"b": range(3)}]],
    "one rank without a batch": [[ROWS], []],
    "two parts and one": [[{"a": range(3)}, {"b": range(2)}], [{"a": range(3, 9), "b": range(2, 3)}]],
}


@dataclass(frozen=True)
class OnTwoRanks:
    """Every case on this rank; rank 0 writes the gradients of both."""

    folder: Path
    balancers: Mapping[str, Balancer] = field(default_factory=lambda: BALANCERS)

    def __call__(self) -> None:
        with processes("cpu"):
            assert world() == 2
            for name, balancer in self.balancers.items():
                for case, ranks in TWO_RANKS.items():
                    found = gradients(balancer, [batch(rows) for rows in ranks[rank()]])
                    torch.save(found, self.folder / f"{name}, {case}, {rank()}.pt")
                    found = gradients(balancer, [batch(rows) for rows in ranks[rank()]], system_with_terms)
                    torch.save(found, self.folder / f"{name} of terms, {case}, {rank()}.pt")
