"""Any module that gives features is an encoder of the systems that take one."""

from __future__ import annotations

from typing import Any

import own_modules
import pytest
import timm
import torch
from own_modules import WIDTH, Convolution, Tokens, Vector, halve
from torch import nn
from torchvision.transforms import v2

from motet.core import ConfigError
from motet.nn.encoders import ImageEncoder
from motet.nn.feature_maps import FeatureMap, MapTower
from motet.nn.tower import Finetune, Frozen, Tower
from motet.nn.wrapped import wrap

HALF: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("module", "options", "grid"),
    [
        (Convolution(), {}, (4, 4)),
        (Convolution(channels_last=True), {"channels_last": True}, (4, 4)),
        (Tokens(), {"output": "last_hidden_state", "prefix_tokens": 1}, (4, 4)),
        (Vector(), {}, (1, 1)),
    ],
    ids=["map", "map with channels last", "tokens after a class token", "vector"],
)
def test_every_form_of_features_serves_as_tokens_and_as_a_map(
    module: nn.Module, options: dict[str, Any], grid: tuple[int, int]
) -> None:
    encoder = wrap(module, size=32, **HALF, **options).build(pretrained=True).eval()
    assert isinstance(encoder, FeatureMap)
    assert (encoder.width, encoder.num_tokens, encoder.stride) == (WIDTH, grid[0] * grid[1], 32 // grid[0])
    found = encoder.map(PIXELS)
    assert found.shape == (2, WIDTH, *grid)
    assert torch.equal(encoder(PIXELS), found.flatten(2).transpose(1, 2))
    body = module if isinstance(module, Convolution) else module.body
    expected = body.conv(PIXELS) if grid != (1, 1) else body.conv(PIXELS).mean((2, 3), keepdim=True)  # type: ignore[union-attr, operator]
    assert torch.allclose(found, expected, atol=1e-6)


def test_tokens_without_a_grid_serve_as_tokens_alone() -> None:
    encoder = wrap(Tokens(), size=32, output="last_hidden_state", **HALF).build(pretrained=True)
    assert not isinstance(encoder, FeatureMap)
    assert encoder.num_tokens == 17
    assert encoder(PIXELS).shape == (2, 17, WIDTH)
    with pytest.raises(ConfigError, match="got an encoder without a map"):
        MapTower(wrap(Tokens(), size=32, output="last_hidden_state", **HALF), Frozen())  # type: ignore[arg-type]


def test_it_is_frozen_or_tuned_by_the_system_and_stays_as_it_was_handed_in() -> None:
    module = Convolution()
    before = module.conv.weight.clone()
    config = wrap(module, size=32, **HALF)
    frozen, tuned = Tower(config, Frozen()), Tower(config, Finetune())
    assert frozen.key() == Tower(config, Frozen()).key() is not None
    tuned(PIXELS).sum().backward()
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    with torch.no_grad():
        for parameter in tuned.parameters():
            assert parameter.grad is not None
            parameter.zero_()
    assert torch.equal(module.conv.weight, before)
    pretrained = tuned.pretrained()
    assert isinstance(pretrained, ImageEncoder)
    assert torch.equal(pretrained(PIXELS), frozen(PIXELS))


def test_its_own_transform_gets_pixels_from_0_to_1() -> None:
    transform = v2.Normalize([0.5] * 3, [0.25] * 3)
    module = Convolution()
    encoder = wrap(module, size=32, transform=transform).build(pretrained=True)
    assert (encoder.pixels.mean, encoder.pixels.std) == ((0.0,) * 3, (1.0,) * 3)
    assert torch.allclose(encoder(PIXELS), module((PIXELS - 0.5) / 0.25).flatten(2).transpose(1, 2), atol=1e-6)
    named = wrap(Convolution, size=32, transform=halve)
    assert named.transform is halve
    with pytest.raises(ConfigError, match="transform: got a Normalize with a builder; want a function"):
        wrap(Convolution, size=32, transform=transform)


def test_a_timm_model_says_its_own_size_and_normalisation() -> None:
    model = timm.create_model("resnet10t", pretrained=False, num_classes=0)
    config = wrap(model)
    assert config.size_hw == tuple(model.pretrained_cfg["input_size"][1:])
    assert config.mean == tuple(model.pretrained_cfg["mean"])
    assert config.build(pretrained=False).width == model.num_features


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "size: got none; want the height and width"),
        ({"size": 32}, "mean and std: got none; want those of the module's training"),
        ({"size": 32, "transform": halve, **HALF}, "got a transform with mean or std; want one of the two"),
    ],
)
def test_a_doubt_is_asked_for_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"motet.wrap: {message}"):
        wrap(Convolution, **options)


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        (Tokens(), {}, "got a dict with last_hidden_state; want .* chosen by output="),
        (nn.Linear(3, 3), {}, r"for pixels \(1, 3, 32, 32\): got RuntimeError"),
        (nn.Flatten(0), {}, r"got a tensor \(3072,\); want"),
        (Tokens(), {"output": "hidden"}, "got KeyError"),
    ],
    ids=["a mapping", "other pixels", "no features", "unknown output"],
)
def test_a_module_without_features_is_named_with_what_it_gave(
    module: nn.Module, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        wrap(module, size=32, **HALF, **options).build(pretrained=True)


def test_the_builder_is_named_in_errors() -> None:
    with pytest.raises(ConfigError, match=r"motet.wrap\(Convolution\): Convolution: got TypeError"):
        wrap(own_modules.Convolution, size=32, depth=3, **HALF).build(pretrained=True)
