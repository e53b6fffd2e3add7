"""ViT: one attention over all positions; its blocks are divided into four stages."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.encoders import Pixels
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape, Stage
from motet.systems.vit_adapters.trunks.trunk import Trunk

NUM_STAGES = 4
SCALES = (4.0, 2.0, 1.0, 0.5)


class Vit(Trunk):
    """Plain vision transformers of timm.

    Its blocks are divided into four stages, the later ones longer where four does not divide them. Its maps are all of
    one size; a decoder reads them at 4, 2, 1 and 1/2 times that size. The paper adapts a ViT too and does not say how.

    Args:
        model: a `VisionTransformer`.
        pixels: the size and normalisation of its input.
    """

    def __init__(self, model: Any, pixels: Pixels) -> None:
        count = len(model.blocks)
        self.starts = [count * stage // NUM_STAGES for stage in range(NUM_STAGES + 1)]
        super().__init__(model, pixels)
        self.levels = tuple(
            Stage(stage.width, _resampled(stage.grid_hw, scale), stage.depth)
            for stage, scale in zip(self.stages, SCALES, strict=True)
        )

    def depths(self) -> tuple[int, ...]:
        return tuple(end - start for start, end in zip(self.starts, self.starts[1:], strict=False))

    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        out: Tensor = self.model.norm_pre(self.model.patch_drop(self.model._pos_embed(self.model.patch_embed(pixels))))
        return out

    def enter(self, stage: int, x: Tensor) -> Tensor:
        del stage
        return x

    def block(self, stage: int, index: int) -> Any:
        return self.model.blocks[self.starts[stage] + index]

    def run(self, stage: int, index: int, x: Tensor) -> Tensor:
        out: Tensor = self.block(stage, index)(x)
        return out

    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        block, added = self.block(stage, index), adapter.attention_bias(z)
        if added is not None:
            # Class and register tokens have no position: their attention gets no bias, as query and as key.
            added = F.pad(added, (self.model.num_prefix_tokens, 0, self.model.num_prefix_tokens, 0))[:, None]
        attended = block.attn(adapter.apply_norm1(block.norm1, x, z), attn_mask=added)
        x = x + block.drop_path1(block.ls1(attended))
        out: Tensor = x + block.drop_path2(block.ls2(block.mlp(adapter.apply_norm2(block.norm2, x, z))))
        return out

    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        del stage
        height, width = self.model.patch_embed.grid_size
        return x[:, self.model.num_prefix_tokens :].reshape(len(x), height, width, x.shape[2])

    def level(self, stage: int, grid: Float[Tensor, "b h w d"]) -> Float[Tensor, "b i j d"]:
        size_hw = self.levels[stage].grid_hw
        if size_hw == (grid.shape[1], grid.shape[2]):
            return grid
        mode = "area" if SCALES[stage] < 1 else "bilinear"
        return F.interpolate(grid.permute(0, 3, 1, 2), size_hw, mode=mode).permute(0, 2, 3, 1)

    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        del stage, index
        grid_hw = self.model.patch_embed.grid_size
        return AttentionShape(grid_hw, grid_hw)

    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        block = self.block(stage, index)
        return block.norm1, block.norm2

    def patch_embedding(self) -> nn.Module:
        patch_embed: nn.Module = self.model.patch_embed
        return patch_embed


def _resampled(grid_hw: tuple[int, int], scale: float) -> tuple[int, int]:
    height, width = (max(1, round(side * scale + 1e-6)) for side in grid_hw)
    return height, width
