"""Transformer blocks; their numbers are held to the official ones in tests/golden."""

import torch

from motet.nn.transformer import DecoderBlock, EncoderBlock, Mlp, sincos_positions


def test_rows_of_one_memory_read_it_without_a_copy() -> None:
    block = DecoderBlock(8, 2, 16, memory_width=6)
    memory = torch.randn(2, 5, 6)
    x = torch.randn(6, 3, 8)
    shared, _ = block(x, block.cross_attention.keys_values(memory))
    copied, _ = block(x, block.cross_attention.keys_values(memory.repeat_interleave(3, dim=0)))
    torch.testing.assert_close(shared, copied)


def test_dropout_is_off_in_evaluation_and_on_in_training() -> None:
    block = EncoderBlock(8, 2, 16, dropout=0.5)
    x = torch.randn(2, 3, 8)
    assert not torch.equal(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


def test_without_bias_no_layer_but_the_last_norm_has_one() -> None:
    names = [name for name, _ in DecoderBlock(8, 2, 16, bias=False).named_parameters()]
    assert not [name for name in names if name.endswith("bias")]
    assert [name for name, _ in Mlp(8, 16).named_parameters() if name.endswith("bias")] == ["up.bias", "down.bias"]


def test_fixed_positions_of_two_places_differ() -> None:
    positions = sincos_positions(3, 5, 16)
    assert positions.shape == (15, 16)
    assert torch.cdist(positions, positions).fill_diagonal_(9).min() > 0.1
