"""Rank, world size and collective operations on plain data; they also work in a run of one process."""

from __future__ import annotations

from typing import Any, TypeVar

import torch.distributed as dist

T = TypeVar("T")


def rank() -> int:
    """Returns the rank of this process, 0 if there is only one."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Returns the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def gather(value: T) -> list[T]:
    """Returns the values of all ranks, in their order, on every rank. For plain data only: they are sent as pickles."""
    if world() == 1:
        return [value]
    gathered: list[Any] = [None] * world()
    dist.all_gather_object(gathered, value)
    return gathered


def broadcast(value: T) -> T:
    """Returns the value of rank 0 on every rank."""
    if world() == 1:
        return value
    box: list[Any] = [value]
    dist.broadcast_object_list(box, src=0)
    received: T = box[0]
    return received
