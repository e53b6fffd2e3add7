"""Gradients of one task's loss with respect to the parameter blocks that tasks share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import Batch, ConfigError, Losses, MetricError, System, nearest, seed_for

Blocks = Mapping[str, Sequence[nn.Parameter]]


def trained_blocks(system: System, names: Sequence[str] = ()) -> dict[str, tuple[nn.Parameter, ...]]:
    """Returns the trainable parameters of a system's shared blocks, shallow to deep, or single ones of them.

    Args:
        system: the system with `shared_blocks`.
        names: only these blocks, in the system's order, then these parameters of blocks, each as a block of its own
            (as in table 1 of Uni-Perceiver-MoE); all blocks by default.

    Raises:
        ConfigError: the tasks share no trainable parameter, or there is no block of a name.
    """
    found = {name: tuple(p for p in block if p.requires_grad) for name, block in system.shared_blocks().items()}
    blocks = {name: block for name, block in found.items() if block}
    if not blocks:
        raise ConfigError(
            f"interference: got a {type(system).__name__} of {len(system.tasks)} tasks that share no trainable "
            "parameters; want two or more tasks with shared weights"
        )
    shared = {id(parameter) for block in blocks.values() for parameter in block}
    single = {name: (parameter,) for name, parameter in system.named_parameters() if id(parameter) in shared}
    for name in names:
        if name not in blocks and name not in single:
            raise ConfigError(f"block: got {name!r}; {nearest(name, [*blocks, *single])}")
    chosen = {name: block for name, block in blocks.items() if not names or name in names}
    return chosen | {name: single[name] for name in names if name not in blocks}


def mean_loss(losses: Losses, task: str) -> Float[Tensor, ""] | None:
    """Returns the mean of a task's loss plus the means of its terms; None if the batch has no loss of the task.

    Examples:
        >>> from motet.core import Loss
        >>> rows = Loss(torch.tensor(6.0), torch.tensor(3.0))
        >>> mean_loss(Losses({"vqa": rows}, terms={("vqa", "box"): rows}), "vqa").item()
        4.0
    """
    parts = [losses.tasks[task]] if task in losses.tasks else []
    parts += [loss for (name, _), loss in losses.terms.items() if name == task]
    counted = [part.total / part.weight.clamp(min=torch.finfo(torch.float32).tiny) for part in parts]
    return torch.stack(counted).sum() if counted else None


def block_gradients(system: System, batch: Batch, task: str, blocks: Blocks) -> dict[str, Float[Tensor, "p"]] | None:
    """Returns the flat gradient of a task's mean loss on a batch, per block; None if no row of the batch counts.

    A block that the loss does not depend on has a gradient of zeros. ``.grad`` stays unchanged.

    Args:
        system: in training or eval mode, as the loss requires.
        batch: on the system's device, with targets of the task or without.
        task: name of the task.
        blocks: trainable parameters by block.

    Raises:
        MetricError: a gradient that is not finite.
    """
    if task not in batch.targets:
        return None
    with torch.enable_grad():
        loss = mean_loss(system.losses(Batch(batch.ids, batch.inputs, {task: batch.targets[task]})), task)
    if loss is None or not loss.requires_grad:
        return None
    parameters = [parameter for block in blocks.values() for parameter in block]
    parts = iter(torch.autograd.grad(loss, parameters, materialize_grads=True))
    found = {name: torch.cat([next(parts).reshape(-1).float() for _ in block]) for name, block in blocks.items()}
    for name, gradient in found.items():
        if not bool(torch.isfinite(gradient).all()):
            raise MetricError(
                f"interference: task {task!r}, block {name!r}, rows {', '.join(batch.ids[:3])}, ...: got a gradient "
                "that is not finite; want a model with finite losses"
            )
    return found


@contextlib.contextmanager
def measurement_mode(system: System, *, training: bool) -> Iterator[None]:
    """Sets eval or training mode, and restores modes, buffers and torch's random state afterwards.

    Args:
        system: the system to measure.
        training: whether to set training mode, with dropout and its other random draws.
    """
    modes = [(module, module.training) for module in system.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in system.buffers()] if training else []
    device = next(system.parameters()).device
    system.train(training)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def seed_dropout(seed: int, *keys: int | str) -> None:
    """Seeds dropout by keys, so that a batch has the same draws whatever was measured before it."""
    torch.manual_seed(seed_for("interference dropout", seed, *keys) % 2**63)
