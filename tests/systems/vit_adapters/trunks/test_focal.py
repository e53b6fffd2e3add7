"""FocalNet: the adapter's own attention reads the normalised map and is added to the modulation."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from toy_vit_adapters import TRUNKS

from motet.systems.vit_adapters import Adapters
from motet.systems.vit_adapters.block import BlockAdapter
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.focal import Focal

Z = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))


def parts(name: str, **changes) -> tuple[Focal, BlockAdapter, Tensor]:
    """A trunk without any MLP, the adapter of its first block, and that block's input."""
    torch.manual_seed(0)
    trunk = build_trunk(TRUNKS[name], pretrained=False).eval()
    assert isinstance(trunk, Focal)
    block = trunk.block(0, 0)
    for norm in trunk.norms(0, 0):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    # What follows the modulation adds nothing: its last layer, or the norm after it, is zero.
    for layer in (trunk.norms(0, 0)[1],) if block.use_post_norm else (block.mlp.fc2,):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    options = Adapters(condition_width=3, window=4, **changes)
    adapter = BlockAdapter(options, trunk.attention_shape(0, 0), trunk.norms(0, 0)).eval()
    return trunk, adapter, trunk.enter(0, trunk.stem(torch.randn(2, 3, 32, 32)))


@torch.no_grad()
@pytest.mark.parametrize("name", ["focalnet", "focalnet_post_norm"])
def test_the_own_attention_is_added_to_the_modulation(name: str) -> None:
    trunk, adapter, x = parts(name)
    before = trunk.run_adapted(0, 0, x, adapter, Z)
    torch.testing.assert_close(before, trunk.run(0, 0, x), atol=1e-5, rtol=1e-4)
    nn.init.normal_(adapter.own.out.weight)
    read: list[Tensor] = []
    adapter.own.register_forward_hook(lambda module, given, out: read.extend((given[0], out)))
    after = trunk.run_adapted(0, 0, x, adapter, Z)
    given, out = read
    torch.testing.assert_close(after - before, out.permute(0, 3, 1, 2), atol=1e-5, rtol=1e-3)
    last = x.permute(0, 2, 3, 1)
    norm = trunk.norms(0, 0)[0]
    want = last if "post" in name else F.layer_norm(last, (8,), norm.weight, norm.bias, norm.eps)
    torch.testing.assert_close(given, want, atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", ["focalnet", "focalnet_post_norm"])
def test_each_row_is_scaled_by_its_own_condition_before_or_after_the_modulation(name: str) -> None:
    trunk, adapter, x = parts(name, attention=None)
    nn.init.normal_(adapter.norm1.film.scale_shift.weight)
    found = trunk.run_adapted(0, 0, x, adapter, Z)
    block, last = trunk.block(0, 0), x.permute(0, 2, 3, 1)
    scale, shift = adapter.norm1.film.scale_shift(Z).chunk(2, dim=-1)
    for row in range(2):
        weight = (1 + scale[row]) * adapter.norm1.weight + shift[row]

        def normed(t: Tensor, weight: Tensor = weight) -> Tensor:
            return F.layer_norm(t, (8,), weight, adapter.norm1.bias, adapter.norm1.eps)

        if block.use_post_norm:
            mixed = normed(block.modulation(x[row : row + 1]).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        else:
            mixed = block.modulation(normed(last[row : row + 1]).permute(0, 3, 1, 2))
        torch.testing.assert_close(found[row], x[row] + block.ls1(mixed)[0], atol=1e-5, rtol=1e-4)


def test_a_focalnet_takes_no_matrix_of_queries_and_keys() -> None:
    trunk, adapter, _ = parts("focalnet")
    assert not trunk.attention_shape(0, 0).takes_bias
    assert adapter.bias is None
    assert trunk.patch_embedding() is trunk.model.stem
