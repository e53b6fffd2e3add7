"""The image encoder: a feature map, sine positions, a task token, transformer layers (section 3.1)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.nn.feature_maps import MapTower
from motet.nn.parameter_names import parameter_name
from motet.systems.unit.transformer import NORM_EPS, EncoderLayer


def sine_positions(
    valid: Bool[Tensor, "b i j"], channels: int, temperature: float = 10_000.0
) -> Float[Tensor, "b n d"]:
    """Fixed positions on the real part of each image, from 0 to 2 pi whatever its size: y first, then x.

    Source: Carion et al., ECCV 2020, appendix A.4; the normalised form of the official code.

    Args:
        valid: True on real places.
        channels: a multiple of 4; half of them for each axis, sines and cosines by turns.
        temperature: base of the wavelengths.
    """
    places = [valid.cumsum(axis, dtype=torch.float32) for axis in (1, 2)]
    places = [
        place / (last + 1e-6) * (2 * math.pi)
        for place, last in zip(places, (places[0][:, -1:], places[1][:, :, -1:]), strict=True)
    ]
    each = channels // 4
    rate = temperature ** (2 * torch.arange(each, dtype=torch.float32, device=valid.device) / (channels // 2))
    angles = [place[..., None] / rate for place in places]
    waves = [torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(3) for angle in angles]
    return torch.cat(waves, dim=-1).flatten(1, 2)


def shrink(valid: Bool[Tensor, "b h w"], grid_hw: tuple[int, int]) -> Bool[Tensor, "b i j"]:
    """Which places of a smaller map are real: the nearest pixel says."""
    small = F.interpolate(valid[:, None].float(), size=grid_hw)[:, 0]
    return small > 0.5


class ImageLayers(nn.Module):
    """What follows the trunk: projection, task token, transformer layers, projection to the decoder's width.

        h = encode([task; W x]) without its first place;   memory = P (W x + h)

    Source: UniT, eq. 1-2. The residual W x and the projection P are in the official code, not in the paper.

    Args:
        trunk_width: channels of the map.
        width: channels of the layers.
        out_width: channels that the decoder reads; a projection stands between where they differ.
        depth: layers.
        heads: of each attention.
        hidden: channels inside the feed-forward parts.
        tasks: names of those that look at images; each has a token.
        task_token: whether they have.
        residual: whether W x is added to what the layers give.
        dropout: see `EncoderLayer`.
        attention_dropout: see `EncoderLayer`.
        pre_norm: see `EncoderLayer`; a last norm follows then.
    """

    def __init__(
        self,
        trunk_width: int,
        width: int,
        out_width: int,
        depth: int,
        heads: int,
        hidden: int,
        tasks: Sequence[str],
        *,
        task_token: bool = True,
        residual: bool = True,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        pre_norm: bool = False,
    ) -> None:
        super().__init__()
        self.width, self.residual = width, residual
        self.input = nn.Linear(trunk_width, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, heads, hidden, dropout=dropout, attention_dropout=attention_dropout, pre_norm=pre_norm)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width, NORM_EPS) if pre_norm else nn.Identity()
        self.tokens = nn.ParameterDict(
            {parameter_name(name): torch.randn(width) for name in tasks} if task_token else {}
        )
        self.out = nn.Linear(width, out_width) if width != out_width else nn.Identity()
        self.out_positions = nn.Linear(width, out_width) if width != out_width else nn.Identity()

    def forward(
        self,
        features: Float[Tensor, "b n c"],
        grid_hw: tuple[int, int],
        valid: Bool[Tensor, "b i j"] | None,
        task: str,
    ) -> tuple[Float[Tensor, "b n d"], Float[Tensor, "p n d"], Bool[Tensor, "b n"] | None]:
        """The memory of one task, its positions, and which places are real (None: all).

        Args:
            features: of the trunk, row by row.
            grid_hw: rows and columns.
            valid: True on real places of the map; None for all.
            task: its name.
        """
        everywhere = torch.ones(1, *grid_hw, dtype=torch.bool, device=features.device)
        positions = sine_positions(everywhere if valid is None else valid, self.width)
        real = None if valid is None else valid.flatten(1)
        return self.encode(self.input(features), positions, real, task)

    def encode(
        self,
        x: Float[Tensor, "b n d"],
        positions: Float[Tensor, "p n d"],
        valid: Bool[Tensor, "b n"] | None,
        task: str,
    ) -> tuple[Float[Tensor, "b n e"], Float[Tensor, "p n e"], Bool[Tensor, "b n"] | None]:
        """As `forward`, from projected features and their positions on."""
        y, at, readable = x, positions.to(x.dtype), valid
        token = self.tokens[parameter_name(task)] if len(self.tokens) else None
        if token is not None:
            y = torch.cat([token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)
            at = F.pad(at, (0, 0, 1, 0))
            readable = None if valid is None else F.pad(valid, (1, 0), value=True)
        for layer in self.layers:
            y = layer(y, at, readable)
        y = self.norm(y)
        y = y if token is None else y[:, 1:]
        return self.out(x + y if self.residual else y), self.out_positions(positions.to(x.dtype)), valid


class Vision(nn.Module):
    """Trunk and layers: all that looks at images.

    Args:
        trunk: pixels to a map.
        layers: what follows.
    """

    def __init__(self, trunk: MapTower, layers: ImageLayers) -> None:
        super().__init__()
        self.trunk, self.layers = trunk, layers

    def features(self, pixels: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b n c"], tuple[int, int]]:
        """The trunk's places row by row, and how many rows and columns they are."""
        grid = self.trunk.map(pixels)
        return grid.flatten(2).transpose(1, 2), (grid.shape[2], grid.shape[3])
