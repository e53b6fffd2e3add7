"""The image encoder: feature map, sine positions, task token and transformer layers (section 3.1)."""

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
    """Returns sine position encodings over the valid part of each image, scaled to 0..2 pi at any size: y, then x.

    Source: Carion et al., ECCV 2020, appendix A.4; the normalised form of the official code.

    Args:
        valid: True on positions that are not padding.
        channels: a multiple of 4; half of them for each axis, sines and cosines alternating.
        temperature: base of the wavelengths.
    """
    indices = [valid.cumsum(axis, dtype=torch.float32) for axis in (1, 2)]
    indices = [
        index / (last + 1e-6) * (2 * math.pi)
        for index, last in zip(indices, (indices[0][:, -1:], indices[1][:, :, -1:]), strict=True)
    ]
    frequencies = torch.arange(channels // 4, dtype=torch.float32, device=valid.device)
    wavelengths = temperature ** (2 * frequencies / (channels // 2))
    angles = [index[..., None] / wavelengths for index in indices]
    waves = [torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(3) for angle in angles]
    return torch.cat(waves, dim=-1).flatten(1, 2)


def downsample_mask(valid: Bool[Tensor, "b h w"], grid_hw: tuple[int, int]) -> Bool[Tensor, "b i j"]:
    """Returns the padding mask at the size of a feature map, by the nearest pixel."""
    small = F.interpolate(valid[:, None].float(), size=grid_hw)[:, 0]
    return small > 0.5


class ImageLayers(nn.Module):
    """Transformer layers over a trunk's map: projection, task token, layers, projection to the decoder's width.

        h = encode([task; W x]) without its first position;   memory = P (W x + h)

    Source: UniT, eq. 1-2. The residual W x and the projection P are in the official code, not in the paper.

    Args:
        trunk_width: channels of the map.
        width: channels of the layers.
        out_width: channels that the decoder reads; a projection follows where it differs from `width`.
        depth: number of layers.
        heads: of each attention.
        hidden: channels inside the feed-forward blocks.
        tasks: names of the tasks with images; each has a token.
        task_token: whether tasks have tokens.
        residual: whether W x is added to the output of the layers.
        dropout: see `EncoderLayer`.
        attention_dropout: see `EncoderLayer`.
        pre_norm: see `EncoderLayer`; if True, a final norm follows.
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
        """Returns the memory of one task, its position encodings, and its padding mask (None: nothing is padding).

        Args:
            features: of the trunk, row by row.
            grid_hw: rows and columns of the map.
            valid: True on positions of the map that are not padding; None for all.
            task: its name.
        """
        everywhere = torch.ones(1, *grid_hw, dtype=torch.bool, device=features.device)
        positions = sine_positions(everywhere if valid is None else valid, self.width)
        return self.encode(self.input(features), positions, None if valid is None else valid.flatten(1), task)

    def encode(
        self,
        x: Float[Tensor, "b n d"],
        positions: Float[Tensor, "p n d"],
        valid: Bool[Tensor, "b n"] | None,
        task: str,
    ) -> tuple[Float[Tensor, "b n e"], Float[Tensor, "p n e"], Bool[Tensor, "b n"] | None]:
        """As `forward`, from the projected features and their position encodings on."""
        y, all_positions, all_valid = x, positions.to(x.dtype), valid
        token = self.tokens[parameter_name(task)] if len(self.tokens) else None
        if token is not None:
            y = torch.cat([token.to(x.dtype).expand(len(x), 1, -1), x], dim=1)
            all_positions = F.pad(all_positions, (0, 0, 1, 0))
            all_valid = None if valid is None else F.pad(valid, (1, 0), value=True)
        for layer in self.layers:
            y = layer(y, all_positions, all_valid)
        y = self.norm(y)
        y = y if token is None else y[:, 1:]
        return self.out(x + y if self.residual else y), self.out_positions(positions.to(x.dtype)), valid


class VisionEncoder(nn.Module):
    """The image encoder: trunk and transformer layers.

    Args:
        trunk: pixels to a feature map.
        layers: feature map to the decoder's memory.
    """

    def __init__(self, trunk: MapTower, layers: ImageLayers) -> None:
        super().__init__()
        self.trunk, self.layers = trunk, layers

    def features(self, pixels: Float[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b n c"], tuple[int, int]]:
        """Returns the trunk's map row by row, and its number of rows and columns."""
        grid = self.trunk.map(pixels)
        return grid.flatten(2).transpose(1, 2), (grid.shape[2], grid.shape[3])

    def blocks(self) -> dict[str, list[nn.Module]]:
        """Returns its modules by name, from shallow to deep, without what belongs to one task."""
        layers = {f"image_layer{i}": [layer] for i, layer in enumerate(self.layers.layers)}
        output: list[nn.Module] = [self.layers.norm, self.layers.out, self.layers.out_positions]
        return {"trunk": [self.trunk], "image_input": [self.layers.input], **layers, "image_output": output}
