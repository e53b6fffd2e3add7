"""The common half of timm's Swins and FocalNets: a list of layers, each of which downsamples its map first."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from motet.systems.vit_adapters.trunks.trunk import Trunk


class Layered(Trunk):
    """A trunk whose stages are the model's `layers`, each a `downsample` and `blocks` that take the state alone."""

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
