"""Errors of training, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from motet.core import MotetError


class TrainingError(MotetError, RuntimeError):
    """Training cannot go on: a loss that is not finite, or no memory left."""


@contextmanager
def explain_out_of_memory(step: int, device: torch.device, rows: int) -> Iterator[None]:
    """Turns an out-of-memory error into one line that says what to lower; other errors pass.

    Args:
        step: the step that runs inside.
        device: the device it runs on.
        rows: number of rows in the largest micro-batch.
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
            f"step {step}: out of memory on {device}: got {rows} rows at once; want fewer: lower the schedule's "
            "batch_size, or raise train.micro_batches (same numbers, less memory)"
        ) from error
