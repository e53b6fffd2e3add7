"""Padding is attended to by nobody, positions never reach the values, and every layer's states are returned."""

import pytest
import torch

from motet.core import ConfigError
from motet.systems.unit.transformer import DetrAttention, DetrDecoder, EncoderLayer


@pytest.mark.parametrize("pre_norm", [False, True])
def test_padding_changes_no_state(pre_norm: bool) -> None:
    layer = EncoderLayer(8, 2, 16, dropout=0.1, attention_dropout=0.1, pre_norm=pre_norm).eval()
    x, positions = torch.randn(2, 5, 8), torch.randn(1, 5, 8)
    valid = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    padded = layer(x, positions, valid)
    torch.testing.assert_close(padded[1:, :3], layer(x[1:, :3], positions[:, :3], None))
    torch.testing.assert_close(padded[:1], layer(x[:1], positions, None))


def test_states_follow_a_permutation_of_inputs_and_positions() -> None:
    layer = EncoderLayer(8, 2, 16, dropout=0.0, attention_dropout=0.0, pre_norm=False).eval()
    x, positions, order = torch.randn(1, 4, 8), torch.randn(1, 4, 8), torch.tensor([3, 0, 2, 1])
    torch.testing.assert_close(layer(x[:, order], positions[:, order], None), layer(x, positions, None)[:, order])


def test_the_decoder_returns_every_layer_and_ignores_padding() -> None:
    decoder = DetrDecoder(3, 8, 2, 16).eval()
    queries, memory, positions = torch.randn(4, 8), torch.randn(2, 6, 8), torch.randn(1, 6, 8)
    valid = torch.arange(6) < torch.tensor([[6], [2]])
    states = decoder(queries, memory, positions, valid)
    assert states.shape == (3, 2, 4, 8)
    torch.testing.assert_close(states[:, 1:], decoder(queries, memory[1:, :2], positions[:, :2]))
    # The final norm is applied to every layer.
    torch.testing.assert_close(states.mean(-1), torch.zeros(3, 2, 4), atol=1e-5, rtol=0)


def test_blocks_hold_every_parameter_once() -> None:
    decoder = DetrDecoder(2, 8, 2, 16)
    held = [id(p) for modules in decoder.blocks().values() for module in modules for p in module.parameters()]
    assert sorted(held) == sorted(id(p) for p in decoder.parameters())


def test_heads_divide_the_width() -> None:
    with pytest.raises(ConfigError, match=r"DetrAttention.heads: got 3 for a width of 8; want a divisor"):
        DetrAttention(8, 3)
