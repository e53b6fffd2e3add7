"""Initialisation of linear layers beside a trunk."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def init_as_swin(module: M) -> M:
    """Initialises the linear layers of a module as in Swin: normal with deviation 0.02, zero bias.

    On scenes, classes are learned sooner than from PyTorch's default, with and without adapters, see docs/LOG.md.

    Source: the official code's `_init_weights`, Swin's.

    Examples:
        >>> layer = init_as_swin(nn.Linear(64, 64))
        >>> layer.bias.any().item(), 0.018 < layer.weight.std().item() < 0.022
        (False, True)
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module
