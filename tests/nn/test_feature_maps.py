"""Maps of images of any size: strides, several stages, frozen parts, modes."""

import pytest
import torch

from motet.core import ConfigError
from motet.nn.encoders import BundledLite0, PlainViT
from motet.nn.feature_maps import BundledLite0Map, GridOf, MapTower, TimmMap
from motet.nn.tower import Finetune, FromScratch, Frozen


def test_the_bundled_map_is_the_encoder_on_a_grid() -> None:
    encoder = BundledLite0(size=64, placed=False).build(pretrained=True).eval()
    tower = MapTower(BundledLite0Map(size=64, norm=False), Frozen()).eval()
    pixels = torch.randn(2, 3, 64, 64)
    assert torch.allclose(tower(pixels), encoder(pixels), atol=1e-5)
    assert torch.equal(tower.map(pixels).flatten(2).transpose(1, 2), tower(pixels))
    assert (tower.stride, tower.grid_hw, tower.width) == (32, (2, 2), 320)


def test_stages_stand_behind_each_other_at_the_finest() -> None:
    tower = MapTower(BundledLite0Map(stage=(-2, -1), size=64), FromScratch())
    assert (tower.stride, tower.width) == (16, 112 + 320)
    assert tower.map(torch.zeros(1, 3, 96, 128)).shape == (1, 432, 6, 8)


def test_a_dilated_resnet_with_frozen_norms_and_first_stages() -> None:
    config = TimmMap("resnet26", output_stride=16, frozen_norms=True, frozen_stages=2, size=64)
    tower = MapTower(config, Finetune(), fetch=False)
    assert tower.stride == 16
    frozen = {name.removeprefix("encoder.model.") for name, p in tower.named_parameters() if not p.requires_grad}
    assert all(name.startswith(("conv1", "layer1")) for name in frozen)
    assert "layer1.1.conv3.weight" in frozen
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in tower.modules())
    with pytest.raises(ConfigError, match="frozen_stages: got 9"):
        TimmMap("resnet26", frozen_stages=9).build(pretrained=False)


def test_a_frozen_map_gives_no_gradient_and_has_a_key() -> None:
    config = GridOf(PlainViT(size=16, patch=8, width=8, depth=1, heads=2))
    frozen, trained = MapTower(config, Frozen()), MapTower(config, FromScratch())
    pixels = torch.randn(1, 3, 16, 16)
    assert not frozen.map(pixels).requires_grad
    assert trained.map(pixels).requires_grad
    assert trained.map(pixels).shape == (1, 8, 2, 2)
    assert (frozen.key() is None, trained.key() is None) == (False, True)


def test_what_cannot_be_built_is_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'resnet50'"):
        TimmMap("resnet50x").build(pretrained=False)
    with pytest.raises(ConfigError, match="want a model with stages"):
        TimmMap("resnet10t", stage=-9, size=64).build(pretrained=False)
