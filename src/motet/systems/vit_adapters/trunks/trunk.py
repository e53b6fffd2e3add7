"""What adapters need to know of a trunk, whatever its family."""

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
    """A timm model, block by block. The state that runs through it is the family's own; `grid` reads a map off it.

    Args:
        model: of timm.
        pixels: what it is given.

    Attributes:
        stages: four of them, fine to coarse.
        levels: the maps a decoder is given, fine to coarse, as widths and sizes.
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
        """Blocks of each stage."""

    @abstractmethod
    def stem(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        """The state before the first stage."""

    @abstractmethod
    def enter(self, stage: int, x: Tensor) -> Tensor:
        """The state at the start of a stage: made coarser, where the family does."""

    @abstractmethod
    def block(self, stage: int, index: int) -> nn.Module:
        """One block."""

    @abstractmethod
    def run(self, stage: int, index: int, x: Tensor) -> Tensor:
        """The state after a block, as timm has it."""

    @abstractmethod
    def run_adapted(self, stage: int, index: int, x: Tensor, adapter: BlockAdapter, z: Float[Tensor, "p k"]) -> Tensor:
        """The state after a block with an adapter in it."""

    def leave(self, stage: int, x: Tensor) -> Tensor:
        """The state at the end of a stage."""
        del stage
        return x

    @abstractmethod
    def grid(self, stage: int, x: Tensor) -> Float[Tensor, "b h w d"]:
        """The map of a state."""

    def level(self, stage: int, grid: Float[Tensor, "b h w d"]) -> Float[Tensor, "b i j d"]:
        """A stage's map as the decoder is given it."""
        del stage
        return grid

    @abstractmethod
    def attention_shape(self, stage: int, index: int) -> AttentionShape:
        """What a block's attention looks at."""

    @abstractmethod
    def norms(self, stage: int, index: int) -> tuple[nn.LayerNorm, nn.LayerNorm]:
        """A block's two norms."""

    @abstractmethod
    def patch_embedding(self) -> nn.Module:
        """What makes patches of pixels."""

    @torch.no_grad()
    def _shapes(self) -> tuple[Stage, ...]:
        """Widths and sizes of the stages' maps, by running all but the blocks on an empty picture."""
        first = next(self.model.parameters())
        x = self.stem(torch.zeros(1, 3, *self.pixels.size_hw, device=first.device, dtype=first.dtype))
        stages = []
        for stage, depth in enumerate(self.depths()):
            x = self.enter(stage, x)
            _, height, width, channels = self.grid(stage, x).shape
            stages.append(Stage(channels, (height, width), depth))
            x = self.leave(stage, x)
        return tuple(stages)
