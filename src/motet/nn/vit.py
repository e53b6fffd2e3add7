"""The plain ViT of big_vision, for encoders that are trained from scratch."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.nn.transformer import NORM_EPS, EncoderBlock, sincos_positions


class ViT(nn.Module):
    """A vision transformer: patches, positions, blocks, a final norm; no class token.

    Source: Dosovitskiy et al., ICLR 2021, eq. 1-4; big_vision `models/vit.py`.

    Args:
        grid_hw: rows and columns of patches.
        patch: height and width of a patch, in pixels.
        width: channels.
        depth: number of blocks.
        heads: of each attention.
        hidden: channels inside the MLPs.
        learned_positions: whether positions are learned; else those of `sincos_positions`.
        dropout: dropout probability on the input and in the blocks.
    """

    def __init__(
        self,
        grid_hw: tuple[int, int],
        patch: int,
        width: int,
        depth: int,
        heads: int,
        hidden: int,
        *,
        learned_positions: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        if learned_positions:
            self.positions = nn.Parameter(torch.randn(1, grid_hw[0] * grid_hw[1], width) / width**0.5)
        else:
            self.register_buffer("positions", sincos_positions(*grid_hw, width)[None], persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, hidden, dropout=dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width, NORM_EPS)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = self.dropout(x + self.positions)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)
        return out
