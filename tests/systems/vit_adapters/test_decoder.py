"""A decoder: sizes at every level, whatever the trunk, and upsampling by rearranged channels."""

from dataclasses import replace

import pytest
import torch
from toy_vit_adapters import CONFIG, system_of

from motet.core import ConfigError
from motet.systems.vit_adapters import SwinUnet
from motet.systems.vit_adapters.decoder import Expand, SwinUnetDecoder, decoder_width
from motet.systems.vit_adapters.encoder import TrunkFeatures
from motet.systems.vit_adapters.shapes import Stage

LEVELS = (Stage(8, (9, 7), 1), Stage(16, (5, 4), 1), Stage(32, (3, 2), 1), Stage(64, (2, 1), 1))
OPTIONS = SwinUnet(width=4, depths=(0, 1, 1, 1), window=2)


def features() -> TrunkFeatures:
    *starts, last = (torch.randn(2, *level.grid_hw, level.width) for level in LEVELS)
    return TrunkFeatures(tuple(starts), last)


def test_maps_of_odd_sides_come_out_at_the_size_of_the_image() -> None:
    assert SwinUnetDecoder(OPTIONS, LEVELS, (35, 29))(features()).shape == (2, 35, 29, 4)


def test_every_map_of_the_trunk_is_read() -> None:
    decoder, given = SwinUnetDecoder(OPTIONS, LEVELS, (36, 28)).eval(), features()
    for tensor in (*given.skips, given.last):
        tensor.requires_grad_()
    decoder(given).square().sum().backward()
    assert all(t.grad is not None and bool(t.grad.any()) for t in (*given.skips, given.last))


def test_the_default_width_is_an_eighth_of_the_last_map() -> None:
    assert decoder_width(SwinUnet(), LEVELS) == 8
    assert decoder_width(SwinUnet(width=5), LEVELS) == 5


def test_an_upsampled_position_becomes_a_square_of_positions() -> None:
    expand = Expand(3, 2)
    x = torch.randn(1, 2, 2, 3)
    wide = expand.norm(expand.expand(x))
    assert torch.equal(expand(x)[0, 2:, :2].flatten(), wide[0, 1, 0])


def test_heads_must_divide_the_width_of_their_level() -> None:
    with pytest.raises(ConfigError, match=r"heads: got 3 for a level of 8 channels; want a divisor of 8, or None"):
        SwinUnetDecoder(SwinUnet(width=4, heads=(1, 1, 3, 1)), LEVELS, (36, 28))


def test_decoders_start_apart_or_alike() -> None:
    for start, same in (("apart", False), ("alike", True)):
        system = system_of("normals", "depth", "segment", decoder=replace(CONFIG.decoder, start=start, bias=True))
        one, other, third = (system.decoders[name].state_dict() for name in ("normals", "depth", "segment"))
        kernels = [name for name in one if name.endswith("weight") and "norm" not in name and one[name].ndim > 1]
        assert len(kernels) > 5
        assert all(torch.equal(one[name], other[name]) == same for name in kernels)
        assert all(torch.equal(one[name], third[name]) == same for name in kernels)
        # Heads of three channels are alike too; that of one channel cannot be.
        assert torch.equal(system.heads["normals"].weight, system.heads["segment"].weight) == same
        assert system.heads["normals"].bias.tolist() == [0, 0, 1]
        assert not system.heads["segment"].bias.any()
    with pytest.raises(ConfigError, match=r"SwinUnet\.start: got 'same'"):
        SwinUnet(start="same")  # type: ignore[arg-type]


def test_a_head_with_a_bias_begins_at_what_is_likely() -> None:
    system = system_of("normals", "edges", "segment", decoder=replace(CONFIG.decoder, bias=True))
    assert float(system.heads["edges"].bias.detach().sigmoid()) == pytest.approx(0.1)
    assert all(head.bias is None for head in system_of("normals", "edges").heads.values())
