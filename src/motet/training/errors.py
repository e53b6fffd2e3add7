"""Errors of training, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from motet.core import MotetError


class TrainingError(MotetError, RuntimeError):
    """Training cannot go on: a loss that is no number, or no memory left."""


@contextmanager
def memory_in_one_line(step: int, device: torch.device, rows: int) -> Iterator[None]:
    """Turns an out-of-memory error into one that says what to lower.

    Args:
        step: the step that is done inside.
        device: where.
        rows: in the largest part of a batch that goes through the system at once.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        # The CPU's allocator raises a plain RuntimeError.
        if type(error) is RuntimeError and "DefaultCPUAllocator" not in str(error):
            raise
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and type(error) is not RuntimeError:
            raise
        raise TrainingError(
            f"step {step}: out of memory on {device}: got {rows} rows at once; want less: lower the schedule's "
            "batch_size, or raise plan.micro_batches (same numbers, less memory)"
        ) from error
