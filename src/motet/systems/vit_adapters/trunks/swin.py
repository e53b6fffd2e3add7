"""Swin and Swin V2: windowed attention, whose mask also carries the attention bias of a task."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from timm.models.swin_transformer import SwinTransformerBlock
from timm.models.swin_transformer_v2 import SwinTransformerV2Block
from torch import Tensor, nn

from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks.layered import Layered
from motet.systems.vit_adapters.windows import from_windows, to_windows


class Swin(Layered):
    """Both Swins of timm: V1 with scaled dot products and norms before each part, V2 with cosines and norms after."""

    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        out: Tensor = self.model.patch_embed(pixels)
        return out

    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        return run_adapted(self.block(stage, index), x, adapter, z)

    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        del stage
        return x

    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        window_hw = self.block(stage, index).window_size
        return AttentionShape(window_hw, window_hw)

    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        block = self.block(stage, index)
        return block.norm1, block.norm2

    def patch_embedding(self) -> nn.Module:
        patch_embed: nn.Module = self.model.patch_embed
        return patch_embed


def run_adapted(block: Any, x: Float[Tensor, "b h w d"], adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
    """Runs a block of either Swin with an adapter in it."""
    added = adapter.attention_bias(z)
    if isinstance(block, SwinTransformerV2Block):
        x = x + block.drop_path1(adapter.apply_norm1(block.norm1, window_attention(block, x, added), z))
        hidden: Tensor = block.drop_path2(adapter.apply_norm2(block.norm2, block.mlp(x), z))
        return x + hidden
    x = x + block.drop_path1(window_attention(block, adapter.apply_norm1(block.norm1, x, z), added))
    hidden = block.drop_path2(block.mlp(adapter.apply_norm2(block.norm2, x, z)))
    return x + hidden


def window_attention(
    block: SwinTransformerBlock | SwinTransformerV2Block,
    x: Float[Tensor, "b h w d"],
    added: Float[Tensor, "p q s"] | None,
) -> Float[Tensor, "b h w d"]:
    """Runs a block's attention with a matrix added in every window and head, before the softmax.

    Source: the official code adds it before the mask of shifted windows; here both are added at once, since timm's
    attention takes one mask per window.

    Args:
        block: a block of either Swin.
        x: its input map.
        added: one matrix for all rows, or one per row; None for the plain attention.
    """
    size_hw = (x.shape[1], x.shape[2])
    shift = block.shift_size
    rolled = torch.roll(x, (-shift[0], -shift[1]), (1, 2)) if any(shift) else x
    windows, filled_hw = to_windows(rolled, block.window_size)
    mask = block.attn_mask
    if block.dynamic_mask:
        mask = block.get_attn_mask(rolled.new_empty(1, *filled_hw, 1))
    if added is not None:
        if mask is not None:
            mask = (added[:, None] + mask).flatten(0, 1)
        elif len(added) > 1:
            mask = added.repeat_interleave(len(windows) // len(added), dim=0)
        else:
            mask = added
    out: Tensor = from_windows(block.attn(windows, mask=mask), block.window_size, filled_hw, size_hw)
    return torch.roll(out, tuple(shift), (1, 2)) if any(shift) else out
