"""Blocks: caches, layers by name, drop-path and prompts."""

import pytest
import torch

from motet.systems.uni_perceiver import EncoderSize, TaskSpecificBlocks
from motet.systems.uni_perceiver.attributes import image_attributes, target_attributes
from motet.systems.uni_perceiver.layers import Block, KeyedLinear, KeyValueCache
from motet.systems.uni_perceiver.sequences import Span
from motet.systems.uni_perceiver.token_kinds import TokenKind

SIZES = EncoderSize(width=8, depth=1, heads=2, hidden=12)
IMAGE = TokenKind("a", image_attributes())
TARGET = TokenKind("a", target_attributes(text_inputs=False))


def block_of(**options) -> Block:
    torch.manual_seed(0)
    return Block(SIZES, 0, None, ("a", "b"), layer_scale=None, **options)


def test_a_cache_takes_rows_and_grows() -> None:
    keys, valid = torch.randn(2, 1, 3, 4), torch.tensor([[True, True, False], [True, True, True]])
    cache = KeyValueCache(keys, 2 * keys, valid, (torch.arange(2.0)[:, None], None))
    rows = cache.rows(torch.tensor([1, 1, 0]))
    assert torch.equal(rows.keys, keys[[1, 1, 0]])
    assert torch.equal(rows.values, 2 * keys[[1, 1, 0]])
    assert torch.equal(rows.valid, valid[[1, 1, 0]])
    assert rows.contexts[0].flatten().tolist() == [1, 1, 0]
    new = torch.ones(2, 1, 1, 4)
    longer = cache.append(new, 3 * new)
    assert torch.equal(longer.keys[:, :, 3:], new)
    assert torch.equal(longer.values[:, :, 3:], 3 * new)
    assert longer.valid.tolist() == [[True, True, False, True], [True, True, True, True]]
    assert KeyValueCache(keys, keys, None).append(new, new).valid is None


def test_layers_by_name_start_alike_and_compute_their_own_runs() -> None:
    layer, x = KeyedLinear(8, 3, ("a/x", "b")), torch.randn(2, 5, 8)
    assert torch.allclose(layer(x, [(2, "a/x"), (3, "b")]), layer(x, [(5, "b")]), atol=1e-6)
    with torch.no_grad():
        layer._layer("b").bias += 1
    found, first = layer(x, [(2, "a/x"), (3, "b")]), layer(x, [(5, "a/x")])
    assert torch.allclose(found[:, :2], first[:, :2], atol=1e-6)
    assert torch.allclose(found[:, 2:], first[:, 2:] + 1, atol=1e-6)


def test_task_specific_blocks_depend_on_the_task() -> None:
    torch.manual_seed(0)
    block, x = Block(SIZES, 1, TaskSpecificBlocks(), ("a", "b"), layer_scale=None).eval(), torch.randn(1, 3, 8)
    other = TokenKind("b", image_attributes())
    assert torch.allclose(block(x, (Span(3, IMAGE),))[0], block(x, (Span(3, other),))[0], atol=1e-6)
    with torch.no_grad():
        block.up._layer("b").weight.mul_(2)
    assert not torch.allclose(block(x, (Span(3, IMAGE),))[0], block(x, (Span(3, other),))[0])


def test_drop_path_drops_whole_rows_in_training_and_keeps_the_mean() -> None:
    block, x = block_of(drop_path=0.5), torch.randn(1, 4, 8)
    spans = (Span(4, IMAGE),)
    assert torch.equal(block.eval()(x, spans)[0], block(x, spans)[0])
    many = x.expand(400, -1, -1)
    block.train()
    factors = block._dropped(many) / many
    first = factors[:, 0, 0]
    assert torch.allclose(factors, first[:, None, None].expand_as(factors))
    assert set(first.round(decimals=4).tolist()) == {0.0, 2.0}
    assert float(first.mean()) == pytest.approx(1, abs=0.25)


def test_prompts_of_inputs_and_of_targets_differ_and_add_no_tokens() -> None:
    block, x = block_of(prompts=3).eval(), torch.randn(2, 4, 8)
    inputs, cache, _ = block(x, (Span(4, IMAGE),))
    targets = block(x, (Span(4, TARGET),))[0]
    assert inputs.shape == targets.shape == x.shape
    assert cache.keys.shape[2] == 7
    assert not torch.allclose(inputs, targets)
    plain = block_of().eval()
    plain.load_state_dict({name: value for name, value in block.state_dict().items() if "prompts" not in name})
    assert not torch.allclose(inputs, plain(x, (Span(4, IMAGE),))[0])


def test_new_tokens_do_not_attend_to_cached_padding() -> None:
    block, x, new = block_of().eval(), torch.randn(1, 4, 8), torch.randn(1, 1, 8)
    valid = torch.tensor([[True, True, True, False]])

    def behind(x: torch.Tensor) -> torch.Tensor:
        cache = block(x, (Span(4, IMAGE),), valid=valid, attention_mask=valid[:, None, None])[1]
        return block(new, (Span(1, IMAGE),), cache=cache)[0]

    changed = x.clone()
    changed[:, 3] += torch.randn(8)
    assert torch.allclose(behind(x), behind(changed), atol=1e-6)
    changed[:, 2] += torch.randn(8)
    assert not torch.allclose(behind(x), behind(changed))
