"""Attention with keys and values that are kept."""

import pytest
import torch

from motet.core import ConfigError
from motet.nn.attention import Attention


def test_it_is_the_formula() -> None:
    attention = Attention(8, 2, memory_width=5, bias=True)
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 4, 5)
    q = attention.query(x).view(2, 3, 2, 4)
    k, v = attention.key_value(memory).view(2, 4, 2, 2, 4).unbind(2)
    weights = (torch.einsum("bthc,bnhc->bhtn", q, k) / 2).softmax(-1)
    expected = attention.out(torch.einsum("bhtn,bnhc->bthc", weights, v).flatten(2))
    torch.testing.assert_close(attention(x, attention.keys_values(memory)), expected)


def test_no_place_reads_a_later_one() -> None:
    attention = Attention(8, 2)
    x = torch.randn(1, 5, 8)
    changed = x.clone()
    changed[:, 3:] += 1
    kept = [attention(y, attention.keys_values(y), causal=True) for y in (x, changed)]
    torch.testing.assert_close(kept[0][:, :3], kept[1][:, :3])
    assert not torch.allclose(kept[0][:, 3:], kept[1][:, 3:])


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_the_last_places_alone_give_what_they_give_among_all(cut: int) -> None:
    attention = Attention(8, 2)
    x = torch.randn(2, 5, 8)
    kept = attention.keys_values(x)
    whole = attention(x, kept, causal=True)
    torch.testing.assert_close(attention(x[:, cut:], kept, causal=True), whole[:, cut:])


@pytest.mark.parametrize("causal", [False, True])
def test_places_that_are_not_valid_are_not_read(causal: bool) -> None:
    attention = Attention(8, 2)
    x = torch.randn(2, 2, 8)
    memory = torch.randn(2, 5, 8)
    valid = torch.tensor([[True, False, True, True, True], [False, True, True, True, True]])
    changed = memory.clone()
    changed[~valid] += 3
    both = [attention(x, attention.keys_values(m), causal=causal, valid=valid) for m in (memory, changed)]
    torch.testing.assert_close(both[0], both[1])
    assert not torch.allclose(attention(x, attention.keys_values(changed), causal=causal), both[1])


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ConfigError, match="got 3 for a width of 8"):
        Attention(8, 3)
