"""The decoder of one task: from the trunk's feature maps to features at every pixel (section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import torch
from jaxtyping import Float
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError, Dense
from motet.systems.vit_adapters.encoder import TrunkFeatures
from motet.systems.vit_adapters.initial import init_as_swin
from motet.systems.vit_adapters.options import SwinUnet
from motet.systems.vit_adapters.shapes import Stage

NUM_LEVELS = 4
HEAD_WIDTH = 32
FINAL_SCALE = 4
LIKELY_EDGE = 0.1
"""The probability of an edge that a head's bias begins with."""


class Expand(nn.Module):
    """Upsamples a map: every position becomes `scale` x `scale` positions.

    Source: the decoder of Swin-Unet (Cao et al., 2021), in the form of the adapters' official code, which applies
    the norm before it rearranges the positions.

    Args:
        width: input channels.
        out_width: output channels.
        scale: factor of height and width.
    """

    def __init__(self, width: int, out_width: int, scale: int = 2) -> None:
        super().__init__()
        self.scale = scale
        self.expand = init_as_swin(nn.Linear(width, scale * scale * out_width, bias=False))
        self.norm = nn.LayerNorm(scale * scale * out_width)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b i j c"]:
        wide = self.norm(self.expand(x))
        squares = wide.view(*x.shape[:3], self.scale, self.scale, -1)  # (b, h, w, p, q, c)
        out: Tensor = squares.transpose(2, 3).flatten(3, 4).flatten(1, 2)  # (b, h p, w q, c)
        return out


class SwinUnetDecoder(nn.Module):
    """One task's decoder: window attention at each level, upsampling by 2 between levels, skip connections.

    Source: section 3.3: four stages of two blocks. The official code has blocks in the last three only and none at the
    coarsest; its form is the default, see `SwinUnet.depths`. Levels whose width is not the decoder's (trunks other than
    Swin) pass through a linear layer first; those of a Swin do not, as in the code.

    Args:
        options: widths and depths.
        levels: of the trunk, fine to coarse.
        size_hw: of the image.

    Attributes:
        width: output channels.

    Raises:
        ConfigError: a number of heads that does not divide a width.
    """

    def __init__(self, options: SwinUnet, levels: Sequence[Stage], size_hw: tuple[int, int]) -> None:
        super().__init__()
        self.width = decoder_width(options, levels)
        self.size_hw, self.sizes = size_hw, [level.grid_hw for level in reversed(levels)]
        widths = [self.width * 2 ** (NUM_LEVELS - 1 - level) for level in range(NUM_LEVELS)]
        self.sides = nn.ModuleList(
            nn.Identity() if level.width == width else init_as_swin(nn.Linear(level.width, width))
            for level, width in zip(reversed(levels), widths, strict=True)
        )
        self.joins = nn.ModuleList(init_as_swin(nn.Linear(2 * width, width)) for width in widths[1:])
        self.blocks = nn.ModuleList(
            _blocks(options, level, width, size)
            for level, (width, size) in enumerate(zip(widths, self.sizes, strict=True))
        )
        self.expands = nn.ModuleList(Expand(width, width // 2) for width in widths[:-1])
        self.norm = nn.LayerNorm(self.width)
        self.final = Expand(self.width, self.width, FINAL_SCALE)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, features: TrunkFeatures) -> Float[Tensor, "b h w c"]:
        """Returns the features that the head reads, at the size of the image, channels last."""
        x = self.blocks[0](self.sides[0](features.last))
        beside = list(reversed(features.skips))
        for level, expand in enumerate(self.expands):
            height, width = self.sizes[level + 1]
            x = expand(x)[:, :height, :width]
            x = self.joins[level](torch.cat([x, self.sides[level + 1](beside[level])], dim=-1))
            x = self.blocks[level + 1](x)
        x = self.final(self.norm(x))
        if (x.shape[1], x.shape[2]) != self.size_hw:
            x = F.interpolate(x.permute(0, 3, 1, 2), self.size_hw, mode="bilinear").permute(0, 2, 3, 1)
        out: Tensor = self.dropout(x)
        return out


def decoder_width(options: SwinUnet, levels: Sequence[Stage]) -> int:
    """Returns the channels of the finest level, which the head reads."""
    return options.width or max(1, levels[-1].width // 2 ** (NUM_LEVELS - 1))


def dense_head(options: SwinUnet, levels: Sequence[Stage], spec: Dense) -> nn.Linear:
    """Returns the linear layer from a decoder's features to a map; see `SwinUnet.bias`."""
    head = nn.Linear(decoder_width(options, levels), spec.channels, bias=options.bias)
    if not options.bias:
        return head
    with torch.no_grad():
        head.bias.zero_()
        match spec.unit:
            case "class" | "metre":
                pass
            case "unit vector":
                head.bias[2] = 1.0
            case "probability":
                # Of two channels, the second is the score of yes; a single one is the logit.
                head.bias[-1] = math.log(LIKELY_EDGE / (1 - LIKELY_EDGE))
            case other:
                assert_never(other)
    return head


@torch.no_grad()
def start_alike(modules: Sequence[nn.Module]) -> None:
    """Copies into each module the weights of the first one with weights of the same shapes; biases stay."""
    firsts: dict[tuple[torch.Size, ...], nn.Module] = {}
    for module in modules:
        first = firsts.setdefault(tuple(p.shape for p in module.parameters()), module)
        for (name, own), theirs in zip(module.named_parameters(), first.parameters(), strict=True):
            if not name.endswith("bias"):
                own.copy_(theirs)


def _blocks(options: SwinUnet, level: int, width: int, size_hw: tuple[int, int]) -> nn.Sequential:
    """Returns the blocks of one level; every other block shifts its windows by half."""
    heads = max(1, width // HEAD_WIDTH) if options.heads is None else options.heads[level]
    if options.depths[level] and width % heads:
        raise ConfigError(
            f"SwinUnet.heads: got {heads} for a level of {width} channels; want a divisor of {width}, or None for one "
            "head per 32 channels"
        )
    blocks = (
        SwinTransformerBlock(
            width,
            size_hw,
            num_heads=heads,
            window_size=options.window,
            shift_size=0 if index % 2 == 0 else options.window // 2,
        )
        for index in range(options.depths[level])
    )
    return init_as_swin(nn.Sequential(*blocks))
