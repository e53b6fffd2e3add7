"""The interface between adapters and a trunk of any family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.nn.encoders import Pixels
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape, Stage


class Trunk(nn.Module, ABC):
    """A timm model, block by block. Each family has its own form of state; `grid` returns it as a map.

    Args:
        model: of timm.
        pixels: the size and normalisation of its input.

    Attributes:
        stages: four of them, fine to coarse.
        levels: widths and sizes of the maps that a decoder reads, fine to coarse.
    """

    stages: tuple[Stage, ...]
    levels: tuple[Stage, ...]

    def __init__(self, model: Any, pixels: Pixels) -> None:
        super().__init__()
        self.model, self.pixels = model, pixels
        self.stages = self._shapes()
        self.levels = self.stages

    @abstractmethod
    def depths(self) -> tuple[int, ...]:
        """Returns the number of blocks per stage."""

    @abstractmethod
    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        """Returns the state before the first stage."""

    @abstractmethod
    def enter(self, stage: int, x: Tensor) -> Tensor:
        """Returns the state at the start of a stage, downsampled where the family does that there."""

    @abstractmethod
    def block(self, stage: int, index: int) -> nn.Module:
        """Returns one block."""

    @abstractmethod
    def run(self, stage: int, index: int, x: Tensor) -> Tensor:
        """Runs a block as timm does."""

    @abstractmethod
    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        """Runs a block with an adapter in it."""

    def leave(self, stage: int, x: Tensor) -> Tensor:
        """Returns the state at the end of a stage."""
        del stage
        return x

    @abstractmethod
    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        """Returns a state as a map."""

    def level(self, stage: int, grid: Float[Tensor, "b h w d"]) -> Float[Tensor, "b i j d"]:
        """Returns a stage's map at the size that the decoder reads."""
        del stage
        return grid

    @abstractmethod
    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        """Returns the sizes of queries and keys of a block's attention."""

    @abstractmethod
    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        """Returns a block's two norms."""

    @abstractmethod
    def patch_embedding(self) -> nn.Module:
        """Returns the module that embeds patches of pixels."""

    @torch.no_grad()
    def _shapes(self) -> tuple[Stage, ...]:
        """Returns the stages' widths and sizes, by running everything but the blocks on an empty image."""
        first = next(self.model.parameters())
        x = self.stem(torch.zeros(1, 3, *self.pixels.size_hw, device=first.device, dtype=first.dtype))
        stages = []
        for stage, depth in enumerate(self.depths()):
            x = self.enter(stage, x)
            _, height, width, channels = self.grid(stage, x).shape
            stages.append(Stage(channels, (height, width), depth))
            x = self.leave(stage, x)
        return tuple(stages)
