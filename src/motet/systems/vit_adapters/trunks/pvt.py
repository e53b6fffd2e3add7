"""PVT v2: every position attends to a coarser map of the same stage."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks.trunk import Trunk


class Pvt(Trunk):
    """The pyramid transformers of timm, their linear form too.

    Queries are all positions of a map, keys those of the downsampled map; the attention bias has that shape.
    """

    def depths(self) -> tuple[int, ...]:
        return tuple(len(stage.blocks) for stage in self.model.stages)

    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        out: Tensor = self.model.patch_embed(pixels)
        return out

    def enter(self, stage: int, x: Tensor) -> Tensor:
        coarser = self.model.stages[stage].downsample
        out: Tensor = x if coarser is None else coarser(x.permute(0, 3, 1, 2))
        return out

    def block(self, stage: int, index: int) -> Any:
        return self.model.stages[stage].blocks[index]

    def run(self, stage: int, index: int, x: Tensor) -> Tensor:
        size_hw = (x.shape[1], x.shape[2])
        out: Tensor = self.block(stage, index)(x.flatten(1, 2), size_hw)
        return out.view(x.shape)

    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        block, size_hw = self.block(stage, index), (x.shape[1], x.shape[2])
        tokens: Tensor = x.flatten(1, 2)
        attended = reduced_attention(
            block.attn, adapter.apply_norm1(block.norm1, tokens, z), size_hw, adapter.attention_bias(z)
        )
        tokens = tokens + block.drop_path1(attended)
        tokens = tokens + block.drop_path2(block.mlp(adapter.apply_norm2(block.norm2, tokens, z), size_hw))
        return tokens.view(x.shape)

    def leave(self, stage: int, x: Tensor) -> Tensor:
        out: Tensor = self.model.stages[stage].norm(x)
        return out

    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        del stage
        return x

    @torch.no_grad()
    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        attention, shape = self.block(stage, index).attn, self.stages[stage]
        coarse = _reduced(attention, attention.q.weight.new_zeros(1, shape.width, *shape.grid_hw))
        return AttentionShape(shape.grid_hw, (coarse.shape[2], coarse.shape[3]))

    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        block = self.block(stage, index)
        return block.norm1, block.norm2

    def patch_embedding(self) -> nn.Module:
        patch_embed: nn.Module = self.model.patch_embed
        return patch_embed


def reduced_attention(
    attention: Any, x: Float[Tensor, "b n d"], size_hw: tuple[int, int], added: Float[Tensor, "p n s"] | None
) -> Float[Tensor, "b n d"]:
    """Runs timm's attention of a PVT v2 with a matrix added in every head, before the softmax."""
    heads = (attention.num_heads, attention.head_dim)
    q = attention.q(x).view(*x.shape[:2], *heads).transpose(1, 2)
    source = x
    if attention.sr is not None:
        coarse = _reduced(attention, x.transpose(1, 2).reshape(len(x), -1, *size_hw))
        source = attention.norm(coarse.flatten(2).transpose(1, 2))
        source = source if attention.act is None else attention.act(source)
    k, v = attention.kv(source).view(*source.shape[:2], 2, *heads).permute(2, 0, 3, 1, 4)
    mask = None if added is None else added[:, None].to(q.dtype)
    dropped = attention.attn_drop.p if attention.training else 0.0
    attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropped)
    out: Tensor = attention.proj_drop(attention.proj(attended.transpose(1, 2).flatten(2)))
    return out


def _reduced(attention: Any, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d i j"]:
    """Returns the downsampled map that the keys come from."""
    pooled = x if attention.pool is None else attention.pool(x)
    out: Tensor = pooled if attention.sr is None else attention.sr(pooled)
    return out
