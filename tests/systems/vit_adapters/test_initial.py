"""Linear layers start as Swin's; everything else is left alone."""

import torch
from torch import nn

from motet.systems.vit_adapters.initial import init_as_swin


def test_linear_layers_at_any_depth_are_drawn_and_no_other_layer_is() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(128, 128), nn.LayerNorm(128), nn.Sequential(nn.Linear(128, 64, bias=False)))
    module.append(nn.Conv2d(3, 4, 1))
    for parameter in module.parameters():
        nn.init.constant_(parameter, 3.0)
    assert init_as_swin(module) is module
    first, norm, (inner,), conv = module
    assert not first.bias.any()
    for weight in (first.weight.detach(), inner.weight.detach()):
        assert abs(float(weight.mean())) < 2e-3
        assert 0.018 < float(weight.std()) < 0.022
    for untouched in (norm.weight, norm.bias, conv.weight, conv.bias):
        assert bool((untouched == 3.0).all())
