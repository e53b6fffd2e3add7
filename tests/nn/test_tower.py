"""Encoders in their three modes."""

import pytest
import torch
from torch import nn

from motet.nn.encoders import BundledLite0, PlainViT, TimmEncoder
from motet.nn.tower import Finetune, FromScratch, Frozen, Tower

RESNET = TimmEncoder("test_resnet", size=64)


def statistics(tower: Tower) -> list[torch.Tensor]:
    return [m.running_mean.clone() for m in tower.modules() if isinstance(m, nn.BatchNorm2d)]


def forward(tower: Tower) -> torch.Tensor:
    return tower.train()(torch.randn(4, 3, *tower.pixels.size_hw))


def test_a_frozen_encoder_never_changes() -> None:
    tower = Tower(RESNET, Frozen(), fetch=False)
    before = statistics(tower)
    assert not forward(tower).requires_grad
    assert not any(p.requires_grad for p in tower.parameters())
    assert not any(module.training for module in tower.modules())
    for was, is_now in zip(before, statistics(tower), strict=True):
        assert torch.equal(was, is_now)


def test_a_finetuned_encoder_learns_but_keeps_its_batch_statistics() -> None:
    tower = Tower(RESNET, Finetune(), fetch=False)
    before = statistics(tower)
    forward(tower).square().sum().backward()
    assert all(p.grad is not None for p in tower.parameters())
    for was, is_now in zip(before, statistics(tower), strict=True):
        assert torch.equal(was, is_now)
    assert tower.lr_scale == 0.1


def test_an_encoder_from_scratch_learns_its_batch_statistics_too() -> None:
    tower = Tower(BundledLite0(size=64), FromScratch())
    before = statistics(tower)
    assert forward(tower).requires_grad
    assert not all(torch.equal(was, is_now) for was, is_now in zip(before, statistics(tower), strict=True))
    assert tower.lr_scale == 1.0


def test_from_scratch_is_not_pretrained() -> None:
    weights = [next(Tower(BundledLite0(size=64), mode).parameters()) for mode in (Frozen(), Frozen(), FromScratch())]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_key_tells_weights_and_stages_apart() -> None:
    config = PlainViT(size=16, patch=8, width=12, depth=2, heads=2)
    tower = Tower(config, Frozen())
    key = tower.key()
    assert key == tower.key()
    again = Tower(config, Frozen())
    assert again.key() != key
    again.load_state_dict(tower.state_dict())
    assert again.key() == key
    assert Tower(BundledLite0(size=64), Frozen()).key() != Tower(BundledLite0(size=64, stage=-2), Frozen()).key()


@pytest.mark.parametrize("mode", [Finetune(), FromScratch()])
def test_features_of_an_encoder_that_learns_have_no_key(mode) -> None:
    assert Tower(RESNET, mode, fetch=False).key() is None
