"""Linear scores of a frozen pretrained map, place by place, which add to the decoders' scores; not in the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.encoders import Pixels
from motet.nn.feature_maps import MapConfig, MapTower
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Frozen

_COORDINATES = 5  # y, x, their squares and product: where a place is says a lot about what it shows


class LinearMaps(nn.Module):
    """A frozen feature map with one linear layer per task, zero at the start; its scores are stretched over the image.

    Args:
        config: of the map.
        channels: scores by task.
        pixels: the images, as the trunk expects them.
        fetch: whether pretrained weights are fetched.
    """

    factor: Tensor
    shift: Tensor

    def __init__(self, config: MapConfig, channels: Mapping[str, int], pixels: Pixels, *, fetch: bool) -> None:
        super().__init__()
        self.tower = MapTower(config, Frozen(), fetch=fetch)
        self.size_hw = pixels.size_hw
        own = self.tower.pixels
        factor, shift = zip(*(
            (std / own_std, (mean - own_mean) / own_std)
            for mean, std, own_mean, own_std in zip(pixels.mean, pixels.std, own.mean, own.std, strict=True)
        ), strict=True)  # fmt: skip
        self.register_buffer("factor", torch.tensor(factor)[:, None, None], persistent=False)
        self.register_buffer("shift", torch.tensor(shift)[:, None, None], persistent=False)
        self.heads = nn.ModuleDict()
        for name, count in channels.items():
            head = self.heads[parameter_name(name)] = nn.Linear(self.tower.width + _COORDINATES, count)
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def features(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b i j c"]:
        """Returns the features of each place, with its coordinates; pixels are normalised as for the trunk."""
        with torch.no_grad(), torch.autocast(pixels.device.type, enabled=False):
            grid = self.tower.map(pixels.float() * self.factor + self.shift).permute(0, 2, 3, 1)
        y, x = (torch.linspace(-1, 1, count, device=grid.device) for count in grid.shape[1:3])
        y, x = torch.meshgrid(y, x, indexing="ij")
        where = torch.stack([y, x, y * y, x * x, x * y], dim=-1)
        return torch.cat([grid, where.expand(len(grid), -1, -1, -1)], dim=-1)

    def scores(self, name: str, features: Float[Tensor, "b i j c"]) -> Float[Tensor, "b k h w"]:
        """Returns a task's scores at the size of the image."""
        with torch.autocast(features.device.type, enabled=False):  # it starts as a probe that was fitted in 64 bits
            scores: Tensor = self.heads[parameter_name(name)](features).permute(0, 3, 1, 2)
        return F.interpolate(scores, self.size_hw, mode="bilinear")

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.tower.eval()
        return self
