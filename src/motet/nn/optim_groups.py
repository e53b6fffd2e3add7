"""Choices of parameters for optimiser groups (see `motet.core.system.optimizer_groups`)."""

from __future__ import annotations

from torch import nn


def kernels(module: nn.Module) -> list[nn.Parameter]:
    """Returns the weight matrices of all linear and convolutional layers, which flax calls kernels.

    big_vision decays these and nothing else: no biases, norms, embeddings or positions.
    """
    layers = (m for m in module.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d))
    return [layer.weight for layer in layers if isinstance(layer.weight, nn.Parameter)]
