"""From the maps of one task to what its head reads at every pixel (section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.systems.vit_adapters.encoder import TrunkFeatures
from motet.systems.vit_adapters.initial import as_swin
from motet.systems.vit_adapters.options import SwinUnet
from motet.systems.vit_adapters.shapes import Stage

NUM_LEVELS = 4
HEAD_WIDTH = 32
FINAL_SCALE = 4


class Expand(nn.Module):
    """A map made finer: every place becomes `scale` x `scale` places.

    Source: the decoder of Swin-Unet (Cao et al., 2021), in the form of the adapters' official code, which norms before
    the places are laid apart.

    Args:
        width: channels that come in.
        out_width: channels that go out.
        scale: how many times finer.
    """

    def __init__(self, width: int, out_width: int, scale: int = 2) -> None:
        super().__init__()
        self.scale = scale
        self.expand = as_swin(nn.Linear(width, scale * scale * out_width, bias=False))
        self.norm = nn.LayerNorm(scale * scale * out_width)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b i j c"]:
        wide = self.norm(self.expand(x))
        squares = wide.view(*x.shape[:3], self.scale, self.scale, -1)  # (b, h, w, p, q, c)
        out: Tensor = squares.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # (b, h p, w q, c)
        return out


class SwinUnetDecoder(nn.Module):
    """One task's decoder: window attention at each level, twice finer between them, the trunk's maps put beside.

    Source: section 3.3: four stages of two blocks. The official code has blocks in the last three only and none at the
    coarsest; its form is the default, see `SwinUnet.depths`. Levels whose width is not the decoder's (trunks other than
    Swin) pass a linear layer first; a Swin's pass none, as in the code.

    Args:
        options: widths and depths.
        levels: of the trunk, fine to coarse.
        size_hw: of the picture.

    Attributes:
        width: channels of what comes out.

    Raises:
        ConfigError: heads that do not divide a width.
    """

    def __init__(self, options: SwinUnet, levels: Sequence[Stage], size_hw: tuple[int, int]) -> None:
        super().__init__()
        self.width = width_of(options, levels)
        self.size_hw, self.sizes = size_hw, [level.grid_hw for level in reversed(levels)]
        widths = [self.width * 2 ** (NUM_LEVELS - 1 - place) for place in range(NUM_LEVELS)]
        self.sides = nn.ModuleList(
            nn.Identity() if level.width == width else as_swin(nn.Linear(level.width, width))
            for level, width in zip(reversed(levels), widths, strict=True)
        )
        self.joins = nn.ModuleList(as_swin(nn.Linear(2 * width, width)) for width in widths[1:])
        self.blocks = nn.ModuleList(
            _blocks(options, place, width, size)
            for place, (width, size) in enumerate(zip(widths, self.sizes, strict=True))
        )
        self.expands = nn.ModuleList(Expand(width, width // 2) for width in widths[:-1])
        self.norm = nn.LayerNorm(self.width)
        self.final = Expand(self.width, self.width, FINAL_SCALE)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, features: TrunkFeatures) -> Float[Tensor, "b h w c"]:
        """What the head reads, at the picture's size, channels last."""
        x = self.blocks[0](self.sides[0](features.last))
        beside = list(reversed(features.starts))
        for place, expand in enumerate(self.expands):
            height, width = self.sizes[place + 1]
            x = expand(x)[:, :height, :width]
            x = self.joins[place](torch.cat([x, self.sides[place + 1](beside[place])], dim=-1))
            x = self.blocks[place + 1](x)
        x = self.final(self.norm(x))
        if (x.shape[1], x.shape[2]) != self.size_hw:
            x = F.interpolate(x.permute(0, 3, 1, 2), self.size_hw, mode="bilinear").permute(0, 2, 3, 1)
        out: Tensor = self.dropout(x)
        return out


def width_of(options: SwinUnet, levels: Sequence[Stage]) -> int:
    """Channels of the finest level, which the head reads."""
    return options.width or max(1, levels[-1].width // 2 ** (NUM_LEVELS - 1))


def _blocks(options: SwinUnet, place: int, width: int, size_hw: tuple[int, int]) -> nn.Sequential:
    """The blocks of one level, windows by turns where they are and shifted by half."""
    heads = max(1, width // HEAD_WIDTH) if options.heads is None else options.heads[place]
    if options.depths[place] and width % heads:
        raise ConfigError(f"SwinUnet.heads: got {heads} for a level of {width} channels; want a divisor")
    blocks = (
        SwinTransformerBlock(
            width,
            size_hw,
            num_heads=heads,
            window_size=options.window,
            shift_size=0 if index % 2 == 0 else options.window // 2,
        )
        for index in range(options.depths[place])
    )
    return as_swin(nn.Sequential(*blocks))
