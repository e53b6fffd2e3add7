"""Image encoders whose tokens form a grid, for images of any size: a stage of any timm model, the bundled one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import ConfigError
from motet.nn.encoders import EncoderConfig, ImageEncoder, Pixels
from motet.nn.pretrained.lite0 import load_lite0
from motet.nn.timm_models import check_timm_name, create_timm_model, freeze_batch_norms
from motet.nn.tower import EncoderMode, Tower


class FeatureMap(ImageEncoder):
    """A network from pixels to a feature map; as an `ImageEncoder`, its tokens are the map's places, row by row.

    Attributes:
        stride: pixels between neighbouring places.
    """

    stride: int

    @abstractmethod
    def map(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        """Returns the map of images of any size that is a multiple of `stride`."""

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        return self.map(pixels).flatten(2).transpose(1, 2)


@runtime_checkable
class MapConfig(Protocol):
    """A frozen dataclass of plain values that builds one feature map."""

    def build(self, *, pretrained: bool) -> FeatureMap:
        """Builds the network; `pretrained=False` fetches nothing. Raises ConfigError if it cannot be built."""
        ...


@dataclass(frozen=True)
class TimmMap:
    """A stage of any timm model that has stages, by name.

    DETR-R50-DC5's is ``TimmMap("resnet50", output_stride=16, frozen_norms=True, frozen_stages=2)``.

    Args:
        name: of `timm.list_models()`.
        stage: the stage whose output is used, counted from the end; for several, the map of the finest, concatenated
            with the coarser ones at each place.
        output_stride: 8 or 16: the last stages dilate instead of reducing further (ResNets and others of timm).
        frozen_norms: whether batch norms keep their pretrained statistics, weights and biases, as in DETR.
        frozen_stages: number of timm's first stages that are not trained; a ResNet's first one is its stem.
        norm: whether each place of each stage passes a layer norm without weights.
        size: height and width of the input where it has a fixed size; None for the size that it was trained at.
        options: further arguments of `timm.create_model`, as ``{"dynamic_img_size": True}`` for a ViT.
    """

    name: str
    stage: int | tuple[int, ...] = -1
    output_stride: int | None = None
    frozen_norms: bool = False
    frozen_stages: int = 0
    norm: bool = False
    size: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, *, pretrained: bool) -> FeatureMap:
        """Builds the model up to the stage that is used."""
        options = dict(self.options)
        if self.output_stride is not None:
            options["output_stride"] = self.output_stride
        check_timm_name(self.name, "TimmMap.name")
        try:
            model = create_timm_model(self.name, pretrained=pretrained, **options)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            got = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ConfigError(f"TimmMap {self.name!r}: got {got}; want a model that timm can build") from error
        return _TimmMap(model, self.size, self.stage, self.norm, self.frozen_norms, self.frozen_stages)


@dataclass(frozen=True)
class BundledLite0Map:
    """EfficientNet-Lite0 with ImageNet weights from the package index, no hub needed.

    Args:
        stage: the stage whose output is used; -1 is the last (320 channels, stride 32), -2 the one before (112,
            stride 16).
        size: height and width of the input where it has a fixed size; it was trained at 224.
        norm: whether each place passes a layer norm without weights; its maps have a standard deviation of about 4.
        frozen_norms: see `TimmMap`.
        frozen_stages: see `TimmMap`.
    """

    stage: int | tuple[int, ...] = -1
    size: int = 224
    norm: bool = True
    frozen_norms: bool = False
    frozen_stages: int = 0

    def build(self, *, pretrained: bool) -> FeatureMap:
        """Builds the model up to the stage that is used."""
        model = create_timm_model("tf_efficientnet_lite0", pretrained=False)
        if pretrained:
            load_lite0(model)
        return _TimmMap(model, self.size, self.stage, self.norm, self.frozen_norms, self.frozen_stages)


@dataclass(frozen=True)
class GridOf:
    """The tokens of an encoder of square images as a map; for images of that one size only.

    Args:
        encoder: its tokens are in row-major order.
    """

    encoder: EncoderConfig

    def build(self, *, pretrained: bool) -> FeatureMap:
        """Builds the encoder."""
        return _Grid(self.encoder.build(pretrained=pretrained))


class MapTower(Tower):
    """A feature map in one of the modes of `Tower`.

    Args:
        config: of the map.
        mode: frozen, fine-tuned or from scratch.
        fetch: see `Tower`.

    Attributes:
        stride: pixels between neighbouring places.
        grid_hw: rows and columns of the map of an image of size `pixels.size_hw`.
    """

    def __init__(self, config: MapConfig, mode: EncoderMode, *, fetch: bool = True) -> None:
        super().__init__(config, mode, fetch=fetch)
        if not isinstance(self.encoder, FeatureMap):
            raise ConfigError(
                f"{type(config).__name__}: got an encoder without a map; want one that builds a FeatureMap"
            )
        self.stride = self.encoder.stride
        height, width = self.pixels.size_hw
        self.grid_hw = (-(-height // self.stride), -(-width // self.stride))

    def map(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        """Returns the map; without gradient if frozen."""
        assert isinstance(self.encoder, FeatureMap)  # checked in __init__
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return self.encoder.map(pixels)


class _TimmMap(FeatureMap):
    def __init__(
        self,
        model: Any,
        size: int | None,
        stage: int | tuple[int, ...],
        norm: bool,
        frozen_norms: bool,
        frozen_stages: int,
    ) -> None:
        super().__init__()
        cfg = model.pretrained_cfg
        self.norm = norm
        stages = [stage] if isinstance(stage, int) else sorted(stage)
        frozen = _first_parameters(model, frozen_stages) if frozen_stages else ()
        try:
            self.indices = list(model.prune_intermediate_layers(stages, prune_norm=True, prune_head=True))
        except (AttributeError, AssertionError, IndexError) as error:
            raise ConfigError(
                f"TimmMap {cfg.get('architecture')!r}: got {type(error).__name__}: {error}; want a model with stages, "
                f"and stage {stage} among them"
            ) from error
        for parameter in frozen:
            parameter.requires_grad_(False)
        self.model = freeze_batch_norms(model) if frozen_norms else model
        height_width = (size, size) if size is not None else tuple(cfg["input_size"][1:])
        self.pixels = Pixels(height_width, tuple(cfg["mean"]), tuple(cfg["std"]))
        was_training = model.training
        with torch.no_grad():
            self.eval()
            grid = self.map(torch.zeros(1, 3, *height_width))
            self.train(was_training)
        self.width, self.num_tokens = grid.shape[1], grid.shape[2] * grid.shape[3]
        self.stride = -(-height_width[0] // grid.shape[2])

    def map(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        found: Sequence[Tensor] = self.model.forward_intermediates(
            pixels, indices=self.indices, norm=False, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        finest = found[0]
        grids = [finest, *(F.interpolate(other, finest.shape[2:]) for other in found[1:])]
        return torch.cat([_normed(grid) for grid in grids] if self.norm else grids, dim=1)


class _Grid(FeatureMap):
    def __init__(self, encoder: ImageEncoder) -> None:
        super().__init__()
        self.inside, self.pixels = encoder, encoder.pixels
        self.width, self.num_tokens = encoder.width, encoder.num_tokens
        self.side = round(encoder.num_tokens**0.5)
        if self.side**2 != encoder.num_tokens or self.pixels.size_hw[0] != self.pixels.size_hw[1]:
            raise ConfigError(
                f"GridOf.encoder: got {encoder.num_tokens} tokens; want a square number of tokens of square images"
            )
        self.stride = -(-self.pixels.size_hw[0] // self.side)

    def map(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        tokens: Tensor = self.inside(pixels)
        return tokens.transpose(1, 2).reshape(len(tokens), self.width, self.side, self.side)

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        tokens: Tensor = self.inside(pixels)
        return tokens


def _normed(grid: Float[Tensor, "b c i j"]) -> Float[Tensor, "b c i j"]:
    return F.layer_norm(grid.movedim(1, 3), (grid.shape[1],)).movedim(3, 1)


def _first_parameters(model: nn.Module, stages: int) -> list[nn.Parameter]:
    """Returns the parameters up to the end of a stage, in the order of the modules, from shallow to deep."""
    info = [stage["module"] for stage in getattr(model, "feature_info", ())]
    if not 0 <= stages <= len(info):
        raise ConfigError(
            f"frozen_stages: got {stages}; want from 0 to {len(info)}, the number of stages in timm's feature_info"
        )
    inside = {name for name, _ in model.named_modules() if any(_within(name, module) for module in info[:stages])}
    order = [name for name, _ in model.named_modules()]
    last = max(order.index(name) for name in inside)
    early = set(order[: last + 1])
    return [p for name, p in model.named_parameters() if name.rpartition(".")[0] in early]


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")
