"""The processes of one run: they join, choose a device, and add their gradients.

Gradients are added by plain all-reduce, not by DistributedDataParallel, for three reasons that DDP cannot be configured
around. A schedule may give a rank no batch, or another number of batches than other ranks, and DDP's reducer
waits for one forward and backward of every rank. Gradient methods compute each task's gradient by `autograd.grad`,
which DDP's hooks do not see. And a sum is divided by weights (rows, tokens) that are only known once every rank and
every micro-batch has been forwarded. The price is that adding does not overlap the backward pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from motet.core import ConfigError
from motet.core.ranks import world
from motet.training.errors import TrainingError

T = TypeVar("T", bound=Tensor)
_BUCKET_BYTES = 32 * 2**20


@contextmanager
def processes(device: str | None = None, *, timeout_minutes: float = 30.0) -> Iterator[torch.device]:
    """Joins the processes that `torchrun` started, if it did, and leaves them at the end.

    Args:
        device: "cpu", "cuda", "cuda:1", "mps"; None for the best there is.
        timeout_minutes: how long ranks wait for each other before the run fails.

    Yields:
        This process's device.

    Raises:
        TrainingError: another rank has ended, or does not answer.
    """
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1 or dist.is_initialized():
        yield choose_device(device)
        return
    chosen = choose_device(device)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    try:
        dist.init_process_group(backend, timeout=timedelta(minutes=timeout_minutes))
        yield chosen
    except RuntimeError as error:
        if not _is_of_another_rank(error):
            raise
        raise TrainingError(
            f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']}: got no answer of another rank "
            f"({' '.join(str(error).split())[:200]}); want all ranks alive: the line of the one that ended says why, "
            "and --resume continues a run"
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _is_of_another_rank(error: RuntimeError) -> bool:
    """Returns whether a connection between ranks failed; gloo raises a plain RuntimeError."""
    return isinstance(error, dist.DistError) or (type(error) is RuntimeError and "gloo" in str(error))


def choose_device(name: str | None = None) -> torch.device:
    """Returns the named device, else this rank's GPU, else the CPU.

    Raises:
        ConfigError: a device that is not available.
    """
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if name is None:
        if torch.cuda.is_available():
            return torch.device("cuda", local)
        return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device: got {name!r}; want cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device: got {name!r}; want cpu, since no CUDA GPU is available")
    return torch.device("cuda", local) if device.type == "cuda" and device.index is None else device


def add_over_ranks(values: Tensor) -> Tensor:
    """Adds the values of all ranks in place, and returns the sum."""
    if world() > 1:
        dist.all_reduce(values)
    return values


def broadcast_weights(system: nn.Module) -> None:
    """Copies rank 0's parameters and buffers to all ranks, which may have drawn or fetched others."""
    if world() > 1:
        for tensor in (*system.parameters(), *system.buffers()):
            dist.broadcast(tensor.detach(), src=0)


def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Adds the gradients of all ranks; every rank calls it, also one that had nothing to do.

    A parameter that no rank used keeps ``grad is None``, so that no optimiser moves it; one that some rank used
    gets the sum on all of them.
    """
    if world() == 1:
        return
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    used = torch.tensor([parameter.grad is not None for parameter in trained], dtype=torch.uint8)
    used = used.to(trained[0].device)
    dist.all_reduce(used, op=dist.ReduceOp.MAX)
    gradients: list[Tensor] = []
    for parameter, somewhere in zip(trained, used.tolist(), strict=True):
        if somewhere and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if parameter.grad is not None:
            gradients.append(parameter.grad)
    for bucket in in_buckets(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        dist.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in bucket])
        for gradient, part in zip(bucket, parts, strict=True):
            gradient.copy_(part.view_as(gradient))


def share_updated_buffers(system: nn.Module, before: Sequence[Tensor]) -> None:
    """Copies rank 0's value of each buffer that some rank changed since `before` (running means) to all ranks."""
    buffers = list(system.buffers())
    if world() == 1 or not buffers:
        return
    was_written = torch.stack([(now != old).any() for now, old in zip(buffers, before, strict=True)]).to(torch.uint8)
    dist.all_reduce(was_written, op=dist.ReduceOp.MAX)
    for buffer, somewhere in zip(buffers, was_written.tolist(), strict=True):
        if somewhere:
            dist.broadcast(buffer, src=0)


def buffer_copies(system: nn.Module) -> list[Tensor]:
    """Returns a copy of each buffer where there are several ranks: batch norm does not raise a buffer's version."""
    return [buffer.detach().clone() for buffer in system.buffers()] if world() > 1 else []


def in_buckets(tensors: Sequence[T]) -> Iterator[list[T]]:
    """Yields tensors of one type together, up to a size, so that ranks exchange few large messages."""
    bucket: list[T] = []
    size = 0
    for tensor in tensors:
        if bucket and (size >= _BUCKET_BYTES or tensor.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(tensor)
        size += tensor.numel() * tensor.element_size()
    if bucket:
        yield bucket
