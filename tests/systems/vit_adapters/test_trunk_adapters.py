"""Adapters of a whole trunk: where there are bottlenecks, and how their output passes from stage to stage."""

import pytest
import torch
from torch import nn
from toy_vit_adapters import TRUNKS

from motet.systems.vit_adapters import Adapters, Passing
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.trunk_adapters import TrunkAdapters
from motet.systems.vit_adapters.trunks import build_trunk

ADAPTED = ((2, 1), (3, 0))
Z = torch.zeros(1, 12)


def adapters(bottleneck: Passing | None, trunk: str = "swinv2") -> TrunkAdapters:
    options = Adapters(condition_width=12, bottleneck=bottleneck)
    return TrunkAdapters(build_trunk(TRUNKS[trunk], pretrained=False), options, ["a", "b"], ADAPTED)


def test_only_adapted_blocks_have_an_adapter() -> None:
    module = adapters(Passing())
    assert isinstance(module.block(2, 1), BlockAdapter)
    assert module.block(2, 0) is None
    assert set(module.embeddings) == {"a", "b"}


def test_bottlenecks_follow_the_adapted_blocks_or_every_block() -> None:
    assert adapters(Passing()).bottleneck_blocks == set(ADAPTED)
    every = {(0, 0), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1)}
    assert adapters(Passing(everywhere=True)).bottleneck_blocks == every
    none = adapters(None)
    assert none.bottleneck_blocks == frozenset()
    assert none.apply_bottleneck((2, 1), torch.ones(1, 2, 2, 32), None, Z) is None


def test_a_bottleneck_reads_the_sum_of_the_map_and_the_last_output() -> None:
    module = adapters(Passing())
    x, hidden = torch.randn(1, 2, 2, 32), torch.randn(1, 2, 2, 32)
    out, of_sum = module.apply_bottleneck((2, 1), x, hidden, Z), module.apply_bottleneck((2, 1), x + hidden, None, Z)
    assert out is not None
    assert of_sum is not None
    assert torch.equal(out, of_sum)
    assert module.apply_bottleneck((2, 0), x, hidden, Z) is hidden


@pytest.mark.parametrize("trunk", ["swinv2", "pvt", "focalnet"])
def test_the_output_takes_the_size_and_width_of_the_next_stage(trunk: str) -> None:
    module, stages = adapters(Passing(), trunk), build_trunk(TRUNKS[trunk], pretrained=False).stages
    before, after = stages[2], stages[3]
    out = module.enter_stage(torch.randn(2, *before.grid_hw, before.width), 3, after.grid_hw)
    assert out is not None
    assert out.shape == (2, *after.grid_hw, after.width)
    assert module.enter_stage(None, 3, after.grid_hw) is None


def test_the_modules_of_a_block_hold_every_weight_but_the_embeddings_once() -> None:
    module = adapters(Passing())
    by_block = module.modules_by_block()
    assert list(by_block) == ["2_1", "3_0"]
    ids = [id(p) for modules in by_block.values() for part in modules for p in part.parameters()]
    assert sorted(ids) == sorted(id(p) for name, p in module.named_parameters() if not name.startswith("embeddings."))


def test_norms_are_copied_from_the_trunk_except_those_that_were_loaded() -> None:
    module, trunk = adapters(Passing()), build_trunk(TRUNKS["swinv2"], pretrained=False)
    for norm in trunk.norms(2, 1):
        nn.init.normal_(norm.weight)
    module.copy_norms(trunk, {"blocks.2_1.norm2.weight"})
    adapter, (norm1, norm2) = module.block(2, 1), trunk.norms(2, 1)
    assert adapter is not None
    assert adapter.norm1 is not None
    assert adapter.norm2 is not None
    assert torch.equal(adapter.norm1.weight, norm1.weight)
    assert not torch.equal(adapter.norm2.weight, norm2.weight)
