"""Blocks of trained weights."""

from torch import nn, zeros

from motet.systems.base import trained_blocks


def test_blocks_hold_what_is_trained_in_order() -> None:
    layer, frozen, scale = nn.Linear(2, 3), nn.Linear(2, 2).requires_grad_(False), nn.Parameter(zeros(2))
    layer.bias.requires_grad_(False)
    fixed = nn.Parameter(zeros(1), requires_grad=False)
    blocks = trained_blocks(
        {"a": [scale, None, layer], "frozen": [frozen, fixed], "none": [None], "b": [nn.Linear(1, 1)]}
    )
    assert list(blocks) == ["a", "b"]
    assert [parameter is expected for parameter, expected in zip(blocks["a"], [scale, layer.weight], strict=True)]
    assert len(blocks["b"]) == 2
