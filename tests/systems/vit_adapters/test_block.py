"""The adapter of one block: which parts there are, what they start as, and whose norm is applied."""

import pytest
import torch
from torch import nn

from motet.systems.vit_adapters import Adapters
from motet.systems.vit_adapters.adapter import BlockBias, FullBias
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape

SQUARE = AttentionShape((4, 4), (4, 4))
POOLED = AttentionShape((4, 6), (2, 3))
MODULATED = AttentionShape((4, 6), (4, 6), takes_bias=False)
Z = torch.tensor([[1.0, -1.0, 0.5]])


def block(shape: AttentionShape = SQUARE, width: int = 6, **changes) -> tuple[BlockAdapter, tuple[nn.LayerNorm, ...]]:
    torch.manual_seed(0)
    norms = nn.LayerNorm(width, eps=1e-3), nn.LayerNorm(width, eps=1e-6)
    for norm in norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return BlockAdapter(Adapters(condition_width=3, **changes), shape, norms), norms


def test_norms_start_as_the_blocks_own_with_their_own_eps() -> None:
    adapter, (first, second) = block()
    x = 1e-2 * torch.randn(2, 5, 6)  # so small that eps shows
    torch.testing.assert_close(adapter.apply_norm1(nn.Identity(), x, Z), first(x))
    torch.testing.assert_close(adapter.apply_norm2(nn.Identity(), x, Z), second(x))
    assert not torch.allclose(first(x), nn.functional.layer_norm(x, (6,), first.weight, first.bias), atol=1e-3)


def test_the_two_norms_are_conditioned_apart() -> None:
    adapter, (first, second) = block()
    x = torch.randn(2, 5, 6)
    nn.init.normal_(adapter.norm1.film.scale_shift.weight)
    assert not torch.allclose(adapter.apply_norm1(first, x, Z), first(x))
    torch.testing.assert_close(adapter.apply_norm2(second, x, Z), second(x))


def test_without_task_scaled_norms_those_of_the_block_are_called() -> None:
    adapter, (first, second) = block(norm=None)
    x = torch.randn(2, 5, 6)
    assert (adapter.norm1, adapter.norm2) == (None, None)
    assert torch.equal(adapter.apply_norm1(first, x, Z), first(x))
    assert torch.equal(adapter.apply_norm2(second, x, Z), second(x))


@pytest.mark.parametrize(("norm", "depends"), [("weight", False), ("weight and bias", True)])
def test_equation_4_taken_literally_conditions_the_bias_too(norm: str, depends: bool) -> None:
    adapter, _ = block(norm=norm)
    for scaled in (adapter.norm1, adapter.norm2):
        assert (scaled.shift is not None) is depends


@pytest.mark.parametrize(("attention", "kind"), [("block", BlockBias), ("full", FullBias)])
def test_the_bias_has_a_row_per_query_and_a_column_per_key(attention: str, kind: type) -> None:
    for shape, size in ((SQUARE, (1, 16, 16)), (POOLED, (1, 24, 6))):
        adapter, _ = block(shape, attention=attention)
        assert type(adapter.bias) is kind
        assert adapter.own is None
        assert adapter.attention_bias(Z).shape == size
        assert adapter.attention_bias(Z.repeat(3, 1)).shape == (3, *size[1:])


def test_no_attention_part_means_no_bias_and_no_attention_of_its_own() -> None:
    adapter, _ = block(attention=None)
    assert adapter.attention_bias(Z) is None
    assert adapter.own is None
    assert {name.split(".")[0] for name, _ in adapter.named_parameters()} == {"norm1", "norm2"}


def test_a_block_without_queries_and_keys_gets_an_attention_of_its_own() -> None:
    adapter, _ = block(MODULATED, width=12, window=7, own_reduction=3)
    assert adapter.attention_bias(Z) is None
    assert adapter.own is not None
    assert adapter.own.window_hw == (4, 6)  # 7 x 7 would be larger than the map
    assert adapter.own.qkv.out_features == 3 * 12 // 3
    assert adapter.own.bias(Z).shape == (1, 24, 24)


def test_windows_are_no_larger_than_asked() -> None:
    adapter, _ = block(MODULATED, window=3, attention="full")
    assert adapter.own is not None
    assert adapter.own.window_hw == (3, 3)
    assert type(adapter.own.bias) is FullBias


def test_an_attention_narrower_than_one_channel_has_one() -> None:
    adapter, _ = block(MODULATED, width=6, own_reduction=100)
    assert adapter.own is not None
    assert adapter.own.qkv.out_features == 3
