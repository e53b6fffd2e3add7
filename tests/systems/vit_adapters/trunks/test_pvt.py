"""Attention to a downsampled map, with a matrix of queries x keys added."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from toy_vit_adapters import TRUNKS

from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.pvt import Pvt, reduced_attention


def trunk_of(name: str) -> Pvt:
    torch.manual_seed(0)
    trunk = build_trunk(TRUNKS[name], pretrained=False).eval()
    assert isinstance(trunk, Pvt)
    for parameter in trunk.parameters():
        nn.init.normal_(parameter, std=0.3)
    return trunk


def by_hand(attention: Any, x: Tensor, size_hw: tuple[int, int], added: Tensor, pooled: bool) -> Tensor:
    """One image's attention; keys are of strides of the map, or of its 7 x 7 means."""
    coarse = x.T.reshape(1, -1, *size_hw)
    if pooled:
        coarse = F.adaptive_avg_pool2d(coarse, 7)
    keys_from = x
    if attention.sr is not None:
        stride = attention.sr.stride
        kept = F.conv2d(coarse, attention.sr.weight, attention.sr.bias, stride=stride)
        keys_from = attention.norm(kept[0].flatten(1).T)
        keys_from = F.gelu(keys_from) if pooled else keys_from
    q, (k, v) = attention.q(x), attention.kv(keys_from).chunk(2, dim=-1)
    width = attention.head_dim
    heads = [
        (q[:, at : at + width] @ k[:, at : at + width].T / math.sqrt(width) + added).softmax(-1) @ v[:, at : at + width]
        for at in range(0, q.shape[1], width)
    ]
    return attention.proj(torch.cat(heads, dim=-1))


@torch.no_grad()
@pytest.mark.parametrize(("name", "pooled"), [("pvt", False), ("pvt_linear", True)])
@pytest.mark.parametrize("stage", [0, 2, 3])
def test_the_matrix_is_added_in_every_head_before_the_softmax(name: str, pooled: bool, stage: int) -> None:
    trunk = trunk_of(name)
    attention, shape = trunk.block(stage, 0).attn, trunk.attention_shape(stage, 0)
    queries, keys = (math.prod(side) for side in (shape.queries_hw, shape.keys_hw))
    x, added = torch.randn(2, queries, trunk.stages[stage].width), torch.randn(2, queries, keys)
    found = reduced_attention(attention, x, shape.queries_hw, added)
    for row in range(2):
        want = by_hand(attention, x[row], shape.queries_hw, added[row], pooled)
        torch.testing.assert_close(found[row], want, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(reduced_attention(attention, x, shape.queries_hw, None), attention(x, shape.queries_hw))


def test_keys_are_as_coarse_as_the_published_ratios_8_4_2_1_or_seven_by_seven() -> None:
    strided, pooled = trunk_of("pvt"), trunk_of("pvt_linear")
    sides = [(16, 2), (8, 2), (4, 2), (2, 2)]
    assert [strided.attention_shape(stage, 0) for stage in range(4)] == [
        AttentionShape((queries, queries), (keys, keys)) for queries, keys in sides
    ]
    assert {pooled.attention_shape(stage, 0).keys_hw for stage in range(4)} == {(7, 7)}
