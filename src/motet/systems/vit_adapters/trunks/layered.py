"""What Swins and FocalNets of timm have in common: a list of layers, each of which makes its map coarser first."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from motet.systems.vit_adapters.trunks.trunk import Trunk


class Layered(Trunk):
    """A trunk whose stages are the model's `layers`, of a `downsample` and `blocks` that need nothing but the state."""

    def depths(self) -> tuple[int, ...]:
        return tuple(len(layer.blocks) for layer in self.model.layers)

    def enter(self, stage: int, x: Tensor) -> Tensor:
        out: Tensor = self.model.layers[stage].downsample(x)
        return out

    def block(self, stage: int, index: int) -> Any:
        return self.model.layers[stage].blocks[index]

    def run(self, stage: int, index: int, x: Tensor) -> Tensor:
        out: Tensor = self.block(stage, index)(x)
        return out
