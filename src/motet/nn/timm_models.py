"""Models of timm by name.

timm is imported by the functions that need it: it brings torchvision and torch._dynamo and takes longer than torch
itself, and only who builds a model of it should wait for that.
"""

from __future__ import annotations

from typing import Any

from motet.core import ConfigError, nearest
from motet.core.hub_access import hub_access


def create_timm_model(name: str, *, pretrained: bool, **options: Any) -> Any:
    """Returns a model of timm; pretrained weights come from the Hub, or from its cache where it cannot be reached.

    Raises:
        ConfigError: neither has them.
    """
    import timm

    if not pretrained:
        return timm.create_model(name, pretrained=False, **options)
    with hub_access(f"timm's {name!r}", "BundledLite0 (images)", source=name):
        return timm.create_model(name, pretrained=True, **options)


def check_timm_name(name: str, field: str) -> None:
    """Raises ConfigError for a name that is not a model of timm.

    Args:
        name: with or without the tag of its weights.
        field: the field that holds the name, for the error.
    """
    import timm

    if not timm.is_model(name.split(".")[0]):
        known = nearest(name.split(".")[0], timm.list_models())
        raise ConfigError(f"{field}: got {name!r}; want a model of timm, {known}")


def has_fixed_input_size(name: str) -> bool:
    """Returns whether a model of timm is built for one size of images, as a ViT without `dynamic_img_size` is."""
    import timm

    default = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return default is not None and bool(default.fixed_input_size)


def freeze_batch_norms(model: Any) -> Any:
    """Returns the model with batch norms that keep their pretrained statistics, weights and biases, as in DETR."""
    from timm.layers import freeze_batch_norm_2d

    return freeze_batch_norm_2d(model)
