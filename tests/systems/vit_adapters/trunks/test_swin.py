"""Windowed attention with an added matrix, against the formula written out, window by window."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from toy_vit_adapters import SWIN

from motet.systems.vit_adapters import TimmTrunk
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.swin import Swin, window_attention

NAMES = {"v1": "swin_tiny_patch4_window7_224", "v2": "swinv2_tiny_window8_256"}
SIDE, WINDOW = 8, 4


def trunk_of(version: str) -> Swin:
    """A first stage of two blocks on 8 x 8 positions: plain windows, then shifted ones."""
    torch.manual_seed(0)
    options = {**SWIN, "depths": (2, 1, 1, 1), "num_heads": (2, 2, 2, 2)}
    trunk = build_trunk(TimmTrunk(NAMES[version], 32, False, options), pretrained=False).eval()
    assert isinstance(trunk, Swin)
    for parameter in trunk.block(0, 0).parameters():
        nn.init.normal_(parameter, std=0.3)
    trunk.block(0, 1).load_state_dict(trunk.block(0, 0).state_dict())
    return trunk


def relative_bias(block: Any, version: str) -> Tensor:
    """The block's own matrix by heads, from its table (V1) or its network (V2)."""
    attention, count = block.attn, WINDOW * WINDOW
    if version == "v1":
        table = attention.relative_position_bias_table
    else:
        table = 16 * torch.sigmoid(attention.cpb_mlp(attention.relative_coords_table).flatten(0, 2))
    return table[attention.relative_position_index.flatten()].view(count, count, -1).permute(2, 0, 1)


def by_hand(block: Any, x: Tensor, added: Tensor, version: str) -> Tensor:
    """One image's attention, query by query: only positions within a window's side of each other see each other."""
    attention, shift, out = block.attn, block.shift_size[0], torch.zeros_like(x)
    bias = relative_bias(block, version)
    for top in range(0, SIDE, WINDOW):
        for left in range(0, SIDE, WINDOW):
            places = [
                ((top + i + shift) % SIDE, (left + j + shift) % SIDE) for i in range(WINDOW) for j in range(WINDOW)
            ]
            tokens = torch.stack([x[place] for place in places])
            if version == "v1":
                q, k, v = attention.qkv(tokens).chunk(3, dim=-1)
            else:
                biases = torch.cat([attention.q_bias, torch.zeros_like(attention.q_bias), attention.v_bias])
                q, k, v = F.linear(tokens, attention.qkv.weight, biases).chunk(3, dim=-1)
            near = torch.tensor([[max(abs(a - c), abs(b - d)) < WINDOW for c, d in places] for a, b in places])
            heads = []
            for head, (qh, kh, vh) in enumerate(zip(q.chunk(2, -1), k.chunk(2, -1), v.chunk(2, -1), strict=True)):
                if version == "v1":
                    scores = qh @ kh.T / math.sqrt(qh.shape[-1])
                else:
                    scale = attention.logit_scale[head].clamp(max=math.log(100)).exp()
                    scores = F.normalize(qh, dim=-1) @ F.normalize(kh, dim=-1).T * scale
                scores = (scores + bias[head] + added).masked_fill(~near, -100.0)
                heads.append(scores.softmax(-1) @ vh)
            for place, token in zip(places, attention.proj(torch.cat(heads, -1)), strict=True):
                out[place] = token
    return out


@torch.no_grad()
@pytest.mark.parametrize("version", NAMES)
@pytest.mark.parametrize("index", [0, 1], ids=["plain", "shifted"])
def test_the_matrix_is_added_in_every_window_and_head_before_the_softmax(version: str, index: int) -> None:
    trunk = trunk_of(version)
    block = trunk.block(0, index)
    assert block.shift_size == ((0, 0), (2, 2))[index]
    x, added = torch.randn(3, SIDE, SIDE, 8), torch.randn(3, 16, 16)
    found = window_attention(block, x, added)
    for row in range(3):
        torch.testing.assert_close(found[row], by_hand(block, x[row], added[row], version), atol=1e-5, rtol=1e-4)
    one = window_attention(block, x, added[:1])
    torch.testing.assert_close(one[2], by_hand(block, x[2], added[0], version), atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("version", NAMES)
def test_without_a_matrix_it_is_timms_own_attention(version: str) -> None:
    trunk, x = trunk_of(version), torch.randn(2, SIDE, SIDE, 8)
    for index in (0, 1):
        block = trunk.block(0, index)
        torch.testing.assert_close(window_attention(block, x, None), block._attn(x))


def test_a_window_is_never_larger_than_the_map() -> None:
    trunk = trunk_of("v2")
    assert trunk.attention_shape(0, 1) == AttentionShape((4, 4), (4, 4))
    assert trunk.attention_shape(2, 0) == AttentionShape((2, 2), (2, 2))
    assert trunk.attention_shape(3, 0) == AttentionShape((1, 1), (1, 1))
