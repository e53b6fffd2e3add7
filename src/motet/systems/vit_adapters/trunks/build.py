"""Builds a trunk by its name in timm, as stages and blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from timm.models.focalnet import FocalNet
from timm.models.pvt_v2 import PyramidVisionTransformerV2
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from motet.core import ConfigError, UnsupportedTask
from motet.nn.encoders import Pixels
from motet.nn.timm_models import check_timm_name, create_timm_model, has_fixed_input_size
from motet.systems.vit_adapters.options import TimmTrunk
from motet.systems.vit_adapters.trunks.focal import Focal
from motet.systems.vit_adapters.trunks.pvt import Pvt
from motet.systems.vit_adapters.trunks.swin import Swin
from motet.systems.vit_adapters.trunks.trunk import Trunk
from motet.systems.vit_adapters.trunks.vit import NUM_STAGES, Vit


def build_trunk(config: TimmTrunk, *, pretrained: bool) -> Trunk:
    """Builds the trunk, without its classifier.

    Args:
        config: its name and sizes.
        pretrained: whether timm's weights are fetched.

    Raises:
        ConfigError: a name that timm does not have, arguments that it does not take, or weights that it cannot fetch.
        UnsupportedTask: a model of an unknown family, or without four stages.
    """
    if not config.name.startswith(("hf_hub:", "hf-hub:", "local-dir:")):
        check_timm_name(config.name, "TimmTrunk.name")
    options = dict(config.options)
    if config.size is not None and has_fixed_input_size(config.name):
        options.setdefault("img_size", config.size)
    try:
        model = _create_model(config.name, pretrained, options)
    except (OSError, RuntimeError, TypeError, ValueError, AssertionError) as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ConfigError(f"TimmTrunk {config.name!r}: got {got}; want a model that timm can build") from error
    _drop_head(model)
    return _wrap(config, model)


def _create_model(name: str, pretrained: bool, options: Mapping[str, Any]) -> Any:
    """Creates timm's model; a FocalNet is built from its sizes alone where its entry point fixes them itself."""
    try:
        return create_timm_model(name, pretrained=pretrained, num_classes=0, **options)
    except TypeError as error:
        if "multiple values" not in str(error) or not name.startswith("focalnet") or pretrained:
            raise
    model: Any = FocalNet(num_classes=0, **options)
    model.pretrained_cfg = timm.get_pretrained_cfg(name, allow_unregistered=True).to_dict()
    return model


def _drop_head(model: Any) -> None:
    """Removes the layers after the last block, which are not read: the system has a norm of its own."""
    for name in ("norm", "fc_norm", "head", "head_drop", "attn_pool"):
        if isinstance(getattr(model, name, None), nn.Module):
            setattr(model, name, nn.Identity())


def _wrap(config: TimmTrunk, model: Any) -> Trunk:
    cfg = model.pretrained_cfg
    size_hw = (config.size, config.size) if config.size is not None else tuple(cfg["input_size"][1:])
    pixels = Pixels(size_hw, tuple(cfg["mean"]), tuple(cfg["std"]))
    trunk: Trunk
    match model:
        case SwinTransformer() | SwinTransformerV2():
            trunk = Swin(model, pixels)
        case PyramidVisionTransformerV2():
            trunk = Pvt(model, pixels)
        case FocalNet():
            trunk = Focal(model, pixels)
        case VisionTransformer() if len(model.blocks) >= NUM_STAGES and all(type(b) is Block for b in model.blocks):
            trunk = Vit(model, pixels)
        case _:
            parts = ", ".join(f"{name} ({type(part).__name__})" for name, part in model.named_children())
            raise UnsupportedTask(
                f"TimmTrunk {config.name!r}: looked for the stages and blocks of a Swin, Swin V2, PVT v2, FocalNet or "
                f"plain ViT of at least {NUM_STAGES} blocks: got a {type(model).__name__} of {parts}; want one of "
                "those families"
            )
    if len(trunk.stages) != NUM_STAGES:
        raise UnsupportedTask(
            f"TimmTrunk {config.name!r}: looked for {NUM_STAGES} stages: got {len(trunk.stages)}; want {NUM_STAGES}, "
            "the last two of which are adapted"
        )
    return trunk
