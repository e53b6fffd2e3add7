"""The blocks of a system's weights that several tasks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn


def trained_blocks(
    blocks: Mapping[str, Sequence[nn.Module | nn.Parameter | None]],
) -> dict[str, list[nn.Parameter]]:
    """Returns the trained parameters of each block, without blocks that have none; see `System.shared_blocks`.

    Args:
        blocks: by name, the parts of each; None for one that a system does not have.
    """
    trained = {
        name: [p for part in parts for p in _parameters(part) if p.requires_grad] for name, parts in blocks.items()
    }
    return {name: parameters for name, parameters in trained.items() if parameters}


def _parameters(part: nn.Module | nn.Parameter | None) -> Sequence[nn.Parameter]:
    if isinstance(part, nn.Parameter):
        return [part]
    return [] if part is None else list(part.parameters())
