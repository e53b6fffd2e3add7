"""A ViT as four stages: its blocks divided, its maps resampled, and no bias at tokens without a position."""

import pytest
import torch
from torch import nn

from motet.systems.vit_adapters import Adapters, TimmTrunk
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.shapes import AttentionShape
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.vit import Vit


def trunk_of(depth: int = 5, **options) -> Vit:
    torch.manual_seed(0)
    sizes = {"embed_dim": 16, "depth": depth, "num_heads": 2, "patch_size": 8, **options}
    trunk = build_trunk(TimmTrunk("vit_tiny_patch16_224", 24, False, sizes), pretrained=False).eval()
    assert isinstance(trunk, Vit)
    return trunk


@pytest.mark.parametrize(
    ("blocks", "depths"), [(4, (1, 1, 1, 1)), (5, (1, 1, 1, 2)), (7, (1, 2, 2, 2)), (12, (3, 3, 3, 3))]
)
def test_later_stages_are_longer_and_no_block_is_left_out(blocks: int, depths: tuple[int, ...]) -> None:
    trunk = trunk_of(blocks)
    assert trunk.depths() == depths
    ran = [trunk.block(stage, index) for stage, depth in enumerate(depths) for index in range(depth)]
    assert [id(block) for block in ran] == [id(block) for block in trunk.model.blocks]


def test_maps_are_read_at_four_two_one_and_half_of_their_size() -> None:
    trunk = trunk_of()
    assert [stage.grid_hw for stage in trunk.stages] == [(3, 3)] * 4
    assert [level.grid_hw for level in trunk.levels] == [(12, 12), (6, 6), (3, 3), (2, 2)]  # halves are rounded up
    grid = torch.arange(9.0).view(1, 3, 3, 1)
    assert torch.equal(trunk.level(2, grid), grid)
    # Means of what each position of the coarser map covers: rows 0-1 and 1-2, columns alike.
    assert trunk.level(3, grid)[0, :, :, 0].tolist() == [[2.0, 3.0], [5.0, 6.0]]
    finer = trunk.level(0, grid)[0, :, :, 0]
    assert float(finer[0, 0]) == 0.0
    assert float(finer.mean()) == pytest.approx(4.0)


def adapter_of(trunk: Vit) -> BlockAdapter:
    """Adds 1,000 to the attention of every position to the fifth one."""
    options = Adapters(attention="full", norm=None, condition_width=3)
    adapter = BlockAdapter(options, trunk.attention_shape(0, 0), trunk.norms(0, 0))
    nn.init.zeros_(adapter.bias.matrix)
    with torch.no_grad():
        adapter.bias.shift.bias.view(9, 9)[:, 4] = 1000.0
    return adapter


@torch.no_grad()
@pytest.mark.parametrize("prefix", [1, 3], ids=["class token", "and two registers"])
def test_positions_attend_by_the_added_matrix_and_class_and_register_tokens_as_before(prefix: int) -> None:
    trunk = trunk_of(reg_tokens=prefix - 1)
    assert trunk.model.num_prefix_tokens == prefix
    assert trunk.attention_shape(0, 0) == AttentionShape((3, 3), (3, 3))
    block, x = trunk.block(0, 0), torch.randn(2, prefix + 9, 16)
    nn.init.zeros_(block.mlp.fc2.weight)
    nn.init.zeros_(block.mlp.fc2.bias)
    found = trunk.run_adapted(0, 0, x, adapter_of(trunk), torch.zeros(1, 3))
    values = block.attn.qkv(block.norm1(x))[..., 32:]
    fifth = x[:, prefix:] + block.attn.proj(values[:, prefix + 4])[:, None]
    torch.testing.assert_close(found[:, prefix:], fifth, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[:, :prefix], trunk.run(0, 0, x)[:, :prefix])


@torch.no_grad()
def test_a_map_leaves_out_tokens_without_a_position_and_keeps_the_order_of_rows() -> None:
    trunk = trunk_of(reg_tokens=2)
    x = torch.arange(12.0).view(1, 12, 1).expand(1, 12, 16)
    assert trunk.grid(0, x)[0, :, :, 0].tolist() == [[3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]
