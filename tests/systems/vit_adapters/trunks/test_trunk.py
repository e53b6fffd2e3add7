"""What adapters rely on in a trunk of any family: sizes, and attention by the added matrix alone where it decides."""

import pytest
import torch
from torch import Tensor, nn
from toy_vit_adapters import TRUNKS

from motet.systems.vit_adapters import Adapters, TimmTrunk
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.encoder import adapted_blocks
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.trunk import Trunk

ATTENDING = ["swinv2", "swin", "vit", "pvt", "pvt_linear"]


def trunk_of(name: str) -> Trunk:
    """Its weights drawn: a Swin V2's norms start at zero, which would hide its attention."""
    torch.manual_seed(0)
    trunk = build_trunk(TRUNKS[name], pretrained=False).eval()
    for parameter in trunk.parameters():
        nn.init.normal_(parameter, std=0.3)
    return trunk


def adapter_of(trunk: Trunk, stage: int, index: int) -> BlockAdapter:
    """A task's part of the attention alone, its matrix drawn."""
    options = Adapters(attention="full", norm=None, condition_width=3)
    adapter = BlockAdapter(options, trunk.attention_shape(stage, index), trunk.norms(stage, index))
    for parameter in adapter.parameters():
        nn.init.normal_(parameter)
    return adapter.eval()


def states(trunk: Trunk, rows: int = 2) -> list[Tensor]:
    """The state at the start of every stage, without its blocks."""
    x = trunk.stem(torch.randn(rows, 3, *trunk.pixels.size_hw))
    found = []
    for stage in range(len(trunk.stages)):
        x = trunk.enter(stage, x)
        found.append(x)
        x = trunk.leave(stage, x)
    return found


@torch.no_grad()
@pytest.mark.parametrize("name", TRUNKS)
def test_the_announced_stages_are_those_that_run(name: str) -> None:
    trunk = trunk_of(name)
    assert sum(trunk.depths()) == 5 if name == "vit" else trunk.depths() == (1, 1, 2, 2)
    for stage, x in enumerate(states(trunk)):
        for state in (x, trunk.run(stage, 0, x)):
            shape = trunk.stages[stage]
            assert trunk.grid(stage, state).shape == (2, *shape.grid_hw, shape.width)
            level = trunk.levels[stage]
            assert trunk.level(stage, trunk.grid(stage, state)).shape == (2, *level.grid_hw, level.width)
        assert {norm.normalized_shape for norm in trunk.norms(stage, 0)} == {(trunk.stages[stage].width,)}


@torch.no_grad()
@pytest.mark.parametrize("name", ATTENDING)
def test_each_row_gets_the_matrix_of_its_own_condition(name: str) -> None:
    trunk = trunk_of(name)
    z = torch.randn(2, 3)
    for stage in (0, 3):
        x, adapter = states(trunk)[stage], adapter_of(trunk, stage, 0)
        together = trunk.run_adapted(stage, 0, x, adapter, z)
        for row in range(2):
            alone = trunk.run_adapted(stage, 0, x[row : row + 1], adapter, z[row : row + 1])
            torch.testing.assert_close(together[row : row + 1], alone, atol=1e-5, rtol=1e-4)
        shared = trunk.run_adapted(stage, 0, x, adapter, z[:1])
        torch.testing.assert_close(shared[0], together[0], atol=1e-5, rtol=1e-4)
        # At the last stage some maps have one position, whose keys are all alike.
        assert stage == 3 or not torch.allclose(shared[1], together[1], atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in ATTENDING if name != "vit"])
def test_the_same_number_at_every_key_changes_nothing(name: str) -> None:
    """A softmax does not see it; a ViT's class token, which gets no bias, would."""
    trunk = trunk_of(name)
    x, adapter = states(trunk)[0], adapter_of(trunk, 0, 0)
    nn.init.zeros_(adapter.bias.matrix)
    for layer in (adapter.bias.scale, adapter.bias.shift):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(adapter.bias.shift.bias, 5.0)
    torch.testing.assert_close(trunk.run_adapted(0, 0, x, adapter, torch.zeros(1, 3)), trunk.run(0, 0, x))


def test_gradients_reach_the_condition_through_every_adapted_block() -> None:
    for name in ATTENDING:
        trunk = trunk_of(name)
        for at in adapted_blocks(trunk, Adapters()):
            if trunk.attention_shape(*at).keys_hw == (1, 1):
                continue  # one key has all of the attention
            adapter, z = adapter_of(trunk, *at), torch.randn(1, 3, requires_grad=True)
            x = states(trunk, rows=1)[at[0]].detach()
            trunk.run_adapted(*at, x, adapter, z).square().sum().backward()
            assert z.grad is not None
            assert bool(z.grad.any()), (name, at)


def test_the_papers_trunk_is_swin_b_with_its_last_six_blocks_adapted() -> None:
    """Section 3.1: blocks 15 to 18 of the third stage and both of the fourth; 87 million weights, none drawn here."""
    with torch.device("meta"):
        trunk = build_trunk(TimmTrunk(), pretrained=False)
    sizes = [(stage.width, stage.grid_hw, stage.depth) for stage in trunk.stages]
    assert sizes == [(128, (48, 48), 2), (256, (24, 24), 2), (512, (12, 12), 18), (1024, (6, 6), 2)]
    assert [trunk.block(stage, 0).attn.num_heads for stage in range(4)] == [4, 8, 16, 32]
    assert trunk.pixels.size_hw == (192, 192)
    assert 86e6 < sum(parameter.numel() for parameter in trunk.parameters()) < 88e6
    assert adapted_blocks(trunk, Adapters()) == ((2, 14), (2, 15), (2, 16), (2, 17), (3, 0), (3, 1))
