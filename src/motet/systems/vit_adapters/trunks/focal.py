"""FocalNet: modulation instead of attention, so the adapter has an attention of its own."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks.layered import Layered


class Focal(Layered):
    """The focal modulation networks of timm.

    The adapter's attention reads the same normalised map as the block's modulation, and its output is added.
    """

    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        out: Tensor = self.model.stem(pixels)
        return out

    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        block = self.block(stage, index)
        norm1, norm2 = (_last(norm) for norm in self.norms(stage, index))
        before = x if block.use_post_norm else _first(adapter.apply_norm1(norm1, _last_axis(x), z))
        mixed = block.modulation(before)
        mixed = _first(adapter.apply_norm1(norm1, _last_axis(mixed), z)) if block.use_post_norm else mixed
        mixed = block.ls1(mixed)
        if adapter.own is not None:
            mixed = mixed + _first(adapter.own(_last_axis(before), z))
        x = x + block.drop_path1(mixed)
        if block.use_post_norm:
            hidden = _first(adapter.apply_norm2(norm2, _last_axis(block.mlp(x)), z))
        else:
            hidden = block.mlp(_first(adapter.apply_norm2(norm2, _last_axis(x), z)))
        out: Tensor = x + block.drop_path2(block.ls2(hidden))
        return out

    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        del stage
        return _last_axis(x)

    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        del index
        grid_hw = self.stages[stage].grid_hw
        return AttentionShape(grid_hw, grid_hw, takes_bias=False)

    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        block = self.block(stage, index)
        return (block.norm1_post, block.norm2_post) if block.use_post_norm else (block.norm1, block.norm2)

    def patch_embedding(self) -> nn.Module:
        stem: nn.Module = self.model.stem
        return stem


def _last(norm: nn.LayerNorm) -> Callable[[Tensor], Tensor]:
    """Returns a norm over the second axis as one over the last."""

    def normed(x: Tensor) -> Tensor:
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    return normed


def _last_axis(x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b h w d"]:
    return x.permute(0, 2, 3, 1)


def _first(x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b d h w"]:
    return x.permute(0, 3, 1, 2)
