"""Image encoders: any timm model, the bundled ImageNet one, a plain ViT."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.pretrained.lite0 import load_lite0
from motet.nn.timm_models import check_timm_name, create_timm_model, has_fixed_input_size
from motet.nn.transformer import sincos_positions
from motet.nn.vit import ViT


@dataclass(frozen=True)
class Pixels:
    """The input that an encoder expects.

    Args:
        size_hw: height and width, in pixels.
        mean: subtracted from each channel, whose values are from 0 to 1.
        std: divides each channel.
    """

    size_hw: tuple[int, int]
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


class ImageEncoder(nn.Module, ABC):
    """A network from pixels to tokens.

    Attributes:
        pixels: the expected input.
        width: channels of a token.
        num_tokens: tokens of an image of size `pixels.size_hw`.
    """

    pixels: Pixels
    width: int
    num_tokens: int

    @abstractmethod
    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the tokens of the images."""

    def pool(self) -> nn.Module | None:
        """Returns the pretrained attention-pooling head, (b, n, d) to (b, d); None where there is none."""
        return None


@runtime_checkable
class EncoderConfig(Protocol):
    """A frozen dataclass of plain values that builds one encoder."""

    def build(self, *, pretrained: bool) -> ImageEncoder:
        """Builds the encoder; `pretrained=False` fetches nothing. Raises ConfigError if it cannot be built."""
        ...


@dataclass(frozen=True)
class TimmEncoder:
    """Any vision model of timm, by name.

    Args:
        name: of `timm.list_models()`; ``"hf_hub:..."`` works as in timm.
        size: height and width of the input; None for the size that it was trained at.
        stage: the stage whose output is used, counted from the end; -1 is the last, with the model's final norm if it
            has one. For several, the tokens are those of the finest, concatenated with the coarser ones at their place.
        placed: whether a layer norm without weights and fixed positions are applied to the tokens of each stage; for
            trunks such as convolutional ones, whose maps have neither. A ViT's tokens have both.
        options: further arguments of `timm.create_model`.
    """

    name: str
    size: int | None = None
    stage: int | tuple[int, ...] = -1
    placed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, *, pretrained: bool) -> ImageEncoder:
        """Builds the model without unused stages and without its classifier."""
        options = dict(self.options)
        if not self.name.startswith(("hf_hub:", "hf-hub:", "local-dir:")):
            check_timm_name(self.name, "TimmEncoder.name")
            if self.size is not None and has_fixed_input_size(self.name):
                options.setdefault("img_size", self.size)
        try:
            model = create_timm_model(self.name, pretrained=pretrained, **options)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            got = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ConfigError(f"TimmEncoder {self.name!r}: got {got}; want a model that timm can build") from error
        return _TimmFeatures(model, self.size, self.stage, self.placed)


@dataclass(frozen=True)
class BundledLite0:
    """EfficientNet-Lite0 with ImageNet weights from the package index: 4.6 M parameters, no hub needed.

    Args:
        size: height and width of the input; it was trained at 224.
        stage: the stage whose output is used; -1 is the last block (320 channels, 1/32 of the size); or several.
        placed: see `TimmEncoder`; its map has a standard deviation of about 4 and little information on positions.
    """

    size: int = 224
    stage: int | tuple[int, ...] = -1
    placed: bool = True

    def build(self, *, pretrained: bool) -> ImageEncoder:
        """Builds the model up to the stage that is used."""
        # Not `efficientnet_lite0`: that one loads these weights too, without an error, but pads differently.
        model = create_timm_model("tf_efficientnet_lite0", pretrained=False)
        if pretrained:
            load_lite0(model)
        return _TimmFeatures(model, self.size, self.stage, self.placed)


@dataclass(frozen=True)
class PlainViT:
    """The ViT of big_vision, trained from scratch.

    Args:
        size: height and width of the input.
        patch: height and width of a patch.
        width: channels.
        depth: number of blocks.
        heads: of each attention.
        mlp_ratio: channels inside the MLPs, divided by the width.
        positions: "learned", or "sincos2d" for fixed ones.
        dropout: dropout probability.
    """

    size: int = 224
    patch: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0
    positions: Literal["learned", "sincos2d"] = "learned"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.patch < 1 or self.size % self.patch:
            raise ConfigError(f"PlainViT.patch: got {self.patch} for images of {self.size}; want a divisor of the size")
        if self.positions not in ("learned", "sincos2d"):
            raise ConfigError(f"PlainViT.positions: got {self.positions!r}; want 'learned' or 'sincos2d'")

    def build(self, *, pretrained: bool) -> ImageEncoder:  # noqa: ARG002  no weights to fetch
        """Builds the ViT with initial weights."""
        return _ViTFeatures(self)


class _TimmFeatures(ImageEncoder):
    def __init__(self, model: Any, size: int | None, stage: int | tuple[int, ...], placed: bool) -> None:
        super().__init__()
        cfg = model.pretrained_cfg
        self.placed = placed
        stages = [stage] if isinstance(stage, int) else sorted(stage)
        self.norm = stages[-1:] == [-1]
        # In a tuple, so that it is no submodule: its weights belong to the module that uses it.
        self._pool = (getattr(model, "attn_pool", None),)
        try:
            self.indices = list(model.prune_intermediate_layers(stages, prune_norm=not self.norm, prune_head=True))
        except (AttributeError, AssertionError, IndexError) as error:
            raise ConfigError(
                f"TimmEncoder {cfg.get('architecture')!r}: got {type(error).__name__}: {error}; "
                f"want a model with stages, and stage {stage} among them"
            ) from error
        self.model = model
        height_width = (size, size) if size is not None else tuple(cfg["input_size"][1:])
        self.pixels = Pixels(height_width, tuple(cfg["mean"]), tuple(cfg["std"]))
        was_training = model.training
        with torch.no_grad():
            model.eval()
            tokens = self(torch.zeros(1, 3, *height_width))
            model.train(was_training)
        self.num_tokens, self.width = tokens.shape[1:]

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        finest, *coarser = self.model.forward_intermediates(
            pixels, indices=self.indices, norm=self.norm, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        height, width = finest.shape[2:]
        grids = [finest, *(F.interpolate(other, (height, width)) for other in coarser)]
        parts = [grid.flatten(2).transpose(1, 2) for grid in grids]
        if self.placed:
            parts = [F.layer_norm(part, part.shape[2:]) + self._positions(height, width, part) for part in parts]
        return torch.cat(parts, dim=2)

    @staticmethod
    def _positions(height: int, width: int, part: Float[Tensor, "b n c"]) -> Float[Tensor, "n c"]:
        channels = part.shape[2]
        table = sincos_positions(height, width, channels - channels % 4)
        return F.pad(table, (0, channels % 4)).to(part)

    def pool(self) -> nn.Module | None:
        return self._pool[0]


class _ViTFeatures(ImageEncoder):
    def __init__(self, config: PlainViT) -> None:
        super().__init__()
        side = config.size // config.patch
        self.pixels, self.width, self.num_tokens = Pixels((config.size, config.size)), config.width, side * side
        self.model = ViT(
            (side, side),
            config.patch,
            config.width,
            config.depth,
            config.heads,
            round(config.width * config.mlp_ratio),
            learned_positions=config.positions == "learned",
            dropout=config.dropout,
        )

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        out: Tensor = self.model(pixels)
        return out
