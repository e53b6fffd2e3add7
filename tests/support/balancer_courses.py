"""Courses of every balancer: some updates of four tasks in a process or two, with what each leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from toys import ToyProcessor, ToySystem, toy_sources, toy_system

from motet.core import Batch, Losses
from motet.core.ranks import rank, world
from motet.training.balancers import BALANCERS, Balancer, LiveBalancer, Weighted
from motet.training.distributed import processes

Rows = Mapping[str, Sequence[int]]
SOURCES = toy_sources(12, 12, 12, 12)
ALL: dict[str, Balancer] = {
    name: kind({"task_a": 0.3, "task_b": 2.0}) if kind is Weighted else kind() for name, kind in BALANCERS.items()
}
# Each update's micro-batches; the third has no rows of two tasks.
WHOLE: list[list[Rows]] = [
    [{"a": range(4), "b": range(2), "c": range(3), "d": range(3)}],
    [{"a": range(4, 8), "b": range(2, 6), "c": range(3, 5), "d": range(3, 6)}],
    [{"a": range(2), "c": range(5, 7)}],
    [{"a": range(8, 10), "b": range(6, 9), "c": range(7, 9), "d": range(6, 8)}],
]
PARTS: list[list[Rows]] = [
    [{"a": range(1), "b": range(2)}, {"c": range(3)}, {"a": range(1, 4), "d": range(3)}],
    [{"a": range(4, 8), "b": range(2, 3)}, {"b": range(3, 6), "c": range(3, 5), "d": range(3, 6)}],
    [{"a": range(2)}, {"c": range(5, 7)}],
    [{"a": range(8, 10), "c": range(7, 8)}, {"b": range(6, 9), "c": range(8, 9), "d": range(6, 8)}],
]
# Each update's micro-batches on either rank; one has none in the second.
RANKS: list[tuple[list[Rows], list[Rows]]] = [
    ([{"a": range(4), "b": range(1)}], [{"b": range(1, 2), "c": range(3), "d": range(3)}]),
    (WHOLE[1], []),
    ([{"a": range(1)}, {"c": range(5, 7)}], [{"a": range(1, 2)}]),
    ([{"a": range(8, 10)}], [{"b": range(6, 9)}, {"c": range(7, 9), "d": range(6, 8)}]),
]


def batch(rows: Rows) -> Batch:
    made = [
        ToyProcessor().row(source.reader[index], source.tasks, None)
        for source in SOURCES
        for index in rows.get(source.name, ())
    ]
    return ToyProcessor().collate(made, keep_annotations=False)


@dataclass
class Forwarded(Sequence[Losses]):
    """Losses that are forwarded when they are read, maybe in fewer bits."""

    system: ToySystem
    batches: list[Batch]
    bf16: bool = False

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, place: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16) if self.bf16 else nullcontext():
            return self.system.losses(self.batches[place])


def course(
    balancer: Balancer,
    updates: Sequence[Sequence[Rows]],
    *,
    bf16: bool = False,
    freeze: Callable[[ToySystem], object] | None = None,
) -> tuple[list[dict[str, Tensor | None]], dict[str, Tensor]]:
    """Returns the gradients of each update, between which the weights move, and the balancer's last state."""
    system = toy_system(SOURCES, dropout=0.0)
    if freeze is not None:
        freeze(system)
    live = balancer.start(system)
    return list(_gradients(live, system, updates, bf16)), dict(live.state_dict())


def _gradients(
    live: LiveBalancer, system: ToySystem, updates: Sequence[Sequence[Rows]], bf16: bool
) -> Iterator[dict[str, Tensor | None]]:
    for parts in updates:
        system.zero_grad(set_to_none=True)
        losses = Forwarded(system, [batch(rows) for rows in parts], bf16)
        live.backward(losses, system)
        found = {name: p.grad if p.grad is None else p.grad.clone() for name, p in system.named_parameters()}
        with torch.no_grad():
            for parameter in system.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.05 * parameter.grad)
            if live.forwards_after_step:
                live.after_step(losses, system)
        yield found


@dataclass(frozen=True)
class CoursesOnTwoRanks:
    """Every course on this rank, written with its last state."""

    folder: Path

    def __call__(self) -> None:
        with processes("cpu"):
            assert world() == 2
            for name, balancer in ALL.items():
                found = course(balancer, [ranks[rank()] for ranks in RANKS])
                torch.save(found, self.folder / f"{name}, {rank()}.pt")
