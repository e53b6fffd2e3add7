"""How linear layers beside a trunk begin."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def as_swin(module: M) -> M:
    """Draws the linear layers of a module as a Swin's: normal, of deviation 0.02; no bias.

    It matters. With PyTorch's own start, whose biases are as large as its weights, the adapters of a small trunk were
    dead after 120 steps: the last map differed by 4 % from picture to picture (73 % before), and no answer changed when
    the tasks' condition was set to zero. See docs/LOG.md.

    Source: the official code's `_init_weights`, Swin's.

    Examples:
        >>> layer = as_swin(nn.Linear(64, 64))
        >>> float(layer.bias.abs().max()), 0.018 < float(layer.weight.detach().std()) < 0.022
        (0.0, True)
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return module
