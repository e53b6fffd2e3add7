"""Sharding: parameters and optimiser state divided over the ranks between updates, whole during an update (FSDP2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import Shard, distribute_tensor

from motet.core import System
from motet.training.distributed import in_buckets


class Shards:
    """The trained parameters of a system, of which each rank holds its part.

    FSDP2 (`fully_shard`) shards, gathers and frees them; an optimiser over `groups` has its moments for
    this rank's part alone. Its hooks in the forward and backward pass are not used: they gather and scatter as modules
    run, so every rank must run the same modules as often as all others, while here a step may give each rank other
    tasks, or none. So parameters are gathered once, before an update's first forward pass, and gradients, which
    balancers have added over ranks by then, are sharded after the last backward pass without another message. A rank
    holds 8 / n bytes of moments and 4 / n of weights for each trained number, and 8 more during an update, of 16
    without sharding.

    Source: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", SC 2020.

    Args:
        system: its parameters are whole and equal on every rank.
    """

    def __init__(self, system: System) -> None:
        self._whole = [parameter for parameter in system.parameters() if parameter.requires_grad]
        self._mesh = init_device_mesh(self._whole[0].device.type, (dist.get_world_size(),))
        self._holders: list[FSDPModule] = []
        self._parts: list[nn.Parameter] = []
        for bucket in in_buckets(self._whole):
            # Sharded along the first axis; a scalar has none.
            copies = [nn.Parameter(whole.detach().clone().reshape(whole.shape or (1,))) for whole in bucket]
            holder = fully_shard(nn.ParameterList(copies), mesh=self._mesh, reshard_after_forward=False)
            assert isinstance(holder, FSDPModule)
            self._holders.append(holder)
            self._parts += _parameters(holder)
        self._gathered = True  # as they came

    def groups(self, groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Returns an optimiser's groups with this rank's part in place of each parameter."""
        part_of = dict(zip(map(id, self._whole), self._parts, strict=True))
        return [{**group, "params": [part_of[id(whole)] for whole in group["params"]]} for group in groups]

    def gather(self) -> None:
        """Makes the system's parameters whole; every rank calls it."""
        if self._gathered:
            return
        for holder in self._holders:
            holder.unshard()
        found = [parameter for holder in self._holders for parameter in _parameters(holder)]
        for whole, held in zip(self._whole, found, strict=True):
            whole.data = held.detach().view(whole.shape)
            torch.autograd.graph.increment_version(whole)  # caches of values computed from it must see the change
        self._gathered = True

    def update(self) -> None:
        """Copies the system's values, which are whole and equal on every rank, into this rank's parts."""
        with torch.no_grad():
            for whole, part in zip(self._whole, self._parts, strict=True):
                part.copy_(self._cut(whole.detach(), part))

    def shard(self) -> None:
        """Leaves this rank its part of the gradients, and frees the system's parameters until they are gathered."""
        gradients = [whole.grad for whole in self._whole]
        for holder in self._holders:
            holder.reshard()
        for whole, part, gradient in zip(self._whole, self._parts, gradients, strict=True):
            part.grad = None if gradient is None else self._cut(gradient, part)
            whole.grad = None
            whole.data = whole.data.new_empty(()).expand(whole.shape)  # keeps the shape and frees the memory
        self._gathered = False

    def _cut(self, whole: Tensor, part: nn.Parameter) -> Tensor:
        found: Tensor = distribute_tensor(whole.view(part.shape), self._mesh, [Shard(0)], src_data_rank=None)
        return found


def _parameters(holder: FSDPModule) -> list[nn.Parameter]:
    assert isinstance(holder, nn.Module)
    return list(holder.parameters())
