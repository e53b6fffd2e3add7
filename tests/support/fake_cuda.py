"""A pretended GPU: FakeTensorMode computes the shapes and devices of tensors alone.

An operation on tensors of two devices, or one whose shape or Python value depends on numbers (a synchronisation on a
GPU: `.item()`, `nonzero`, a boolean mask as an index), is an error in it.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

import motet
from motet.core import Batch, Target


def pretended(value: Any) -> Any:
    """The same value with tensors on a GPU that is not there; to be called in the mode."""
    if isinstance(value, torch.Tensor):
        return torch.empty(value.shape, dtype=value.dtype, device="cuda")
    if isinstance(value, dict):
        return {name: pretended(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(pretended, value))
    return value


def move(system: nn.Module) -> None:
    """Replaces every parameter and buffer by a pretended one; `Module.to` would need the driver."""
    for module in system.modules():
        for name, old in module.named_parameters(recurse=False):
            module._parameters[name] = nn.Parameter(pretended(old), requires_grad=old.requires_grad)
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = pretended(buffer)


def losses_of(system: Any, real: Batch) -> None:
    """Computes the losses of a batch on the pretended GPU; the system is of no use afterwards."""
    with FakeTensorMode(shape_env=ShapeEnv()):
        move(system)
        targets = {name: Target(pretended(t.rows), pretended(t.value)) for name, t in real.targets.items()}
        found = system.train().losses(Batch(real.ids, pretended(dict(real.inputs)), targets))
    tensors = [part for loss in (*found.tasks.values(), *found.terms.values()) for part in (loss.total, loss.weight)]
    assert {tensor.device.type for tensor in tensors} == {"cuda"}


def place_of(error: BaseException) -> tuple[str, str]:
    """The innermost line of motet that led to an error: its file in the package, and its text."""
    package = Path(motet.__file__).parent
    frames = [one for one in traceback.extract_tb(error.__traceback__) if package in Path(one.filename).parents]
    inner = [one for one in frames if one.line][-1]
    return str(Path(inner.filename).relative_to(package)), inner.line or ""
