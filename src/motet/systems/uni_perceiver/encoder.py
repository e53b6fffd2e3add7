"""The one transformer that encodes inputs and targets of every modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from motet.systems.uni_perceiver.layers import Block, Past
from motet.systems.uni_perceiver.lines import Line, Span
from motet.systems.uni_perceiver.options import Blocks, EncoderSize


@dataclass(frozen=True)
class Encoded:
    """What became of sequences.

    Args:
        states: of the tokens, without a last norm.
        past: of each layer, for tokens that come later.
        uneven: how unevenly experts were used, the mean over layers; None where data decide nothing.
    """

    states: Float[Tensor, "b n d"]
    past: tuple[Past, ...]
    uneven: Float[Tensor, ""] | None


class UnifiedEncoder(nn.Module):
    """Blocks one after the other.

    Args:
        sizes: of it.
        blocks: what they are made of.
        tasks: names.
        layer_scale: see `Block`.
        drop_path: see `Block`; the same in all layers.
        prompts: see `Block`.
    """

    def __init__(
        self,
        sizes: EncoderSize,
        blocks: Blocks,
        tasks: Sequence[str],
        *,
        layer_scale: float | None = 1e-3,
        drop_path: float = 0.0,
        prompts: int = 0,
    ) -> None:
        super().__init__()
        self.blocks = cast(
            Sequence[Block],
            nn.ModuleList(
                Block(sizes, i, blocks, tasks, layer_scale=layer_scale, drop_path=drop_path, prompts=prompts)
                for i in range(sizes.depth)
            ),
        )

    def forward(self, line: Line) -> Encoded:
        """All tokens of some sequences."""
        x, readable, shared = line.x, line.keys(), line.open()
        past: list[Past] = []
        uneven: list[Tensor] = []
        for block in self.blocks:
            x, kept, used = block(x, line.spans, valid=line.valid, readable=readable, shared=shared)
            past.append(kept)
            uneven += [] if used is None else [used]
        return Encoded(x, tuple(past), torch.stack(uneven).mean() if uneven else None)

    def later(
        self,
        x: Float[Tensor, "b m d"],
        spans: Sequence[Span],
        readable: Bool[Tensor, "m m"],
        past: Sequence[Past],
    ) -> tuple[Float[Tensor, "b m d"], tuple[Past, ...]]:
        """Tokens behind others: each reads all of those, and of its own like what is readable.

        Returns:
            Their states, and of each layer their own keys and values alone, for `Past.longer`.
        """
        kept: list[Past] = []
        for block, before in zip(self.blocks, past, strict=True):
            x, own, _ = block(x, spans, readable=readable[None, None], past=before)
            kept.append(own)
        return x, tuple(kept)
