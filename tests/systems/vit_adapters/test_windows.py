"""Windows of a map and back, and an attention that padding does not change."""

import pytest
import torch
from torch import nn

from motet.systems.vit_adapters.adapter import FullBias
from motet.systems.vit_adapters.windows import OwnAttention, from_windows, to_windows


@pytest.mark.parametrize(("size_hw", "filled"), [((4, 6), (4, 6)), ((5, 7), (6, 9)), ((1, 1), (2, 3))])
def test_windows_give_the_map_back(size_hw: tuple[int, int], filled: tuple[int, int]) -> None:
    x = torch.randn(2, *size_hw, 3)
    windows, filled_hw = to_windows(x, (2, 3))
    assert filled_hw == filled
    assert windows.shape == (2 * filled[0] * filled[1] // 6, 6, 3)
    assert torch.equal(from_windows(windows, (2, 3), filled_hw, size_hw), x)


def test_a_window_is_a_rectangle_of_the_map() -> None:
    x = torch.arange(16.0).view(1, 4, 4, 1)
    windows, _ = to_windows(x, (2, 2))
    assert windows[1].flatten().tolist() == [2.0, 3.0, 6.0, 7.0]


def attention(window_hw: tuple[int, int]) -> OwnAttention:
    torch.manual_seed(0)
    module = OwnAttention(8, 4, window_hw, FullBias(2, window_hw, window_hw))
    nn.init.normal_(module.out.weight)
    return module


@torch.no_grad()
def test_padding_gets_no_attention() -> None:
    x, z = torch.randn(2, 2, 2, 8), torch.randn(1, 2)
    small, large = attention((2, 2)), attention((4, 4))
    large.qkv.load_state_dict(small.qkv.state_dict())
    large.out.load_state_dict(small.out.state_dict())
    torch.testing.assert_close(large(x, z), small(x, z))


@torch.no_grad()
def test_one_condition_for_all_rows_is_the_same_as_one_per_row() -> None:
    module = attention((2, 2))
    nn.init.normal_(module.bias.shift.weight)
    x, z = torch.randn(3, 4, 5, 8), torch.randn(1, 2)
    torch.testing.assert_close(module(x, z), module(x, z.expand(3, -1)))
    assert not torch.allclose(module(x, z), module(x, z + 1))


def test_a_new_attention_adds_nothing() -> None:
    module = OwnAttention(8, 4, (2, 2), FullBias(2, (2, 2), (2, 2)))
    assert not module(torch.randn(1, 4, 4, 8), torch.randn(1, 2)).any()
