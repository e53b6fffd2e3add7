"""The encoder: tokens that follow others, and the load-balancing loss."""

from dataclasses import replace

import pytest
import torch
from toy_uni_perceiver import BLOCKS

from motet.systems.uni_perceiver import EncoderSize
from motet.systems.uni_perceiver.attributes import image_attributes, text_attributes
from motet.systems.uni_perceiver.encoder import UnifiedEncoder
from motet.systems.uni_perceiver.sequences import Span, TokenSequences
from motet.systems.uni_perceiver.token_kinds import TokenKind

IMAGE = TokenKind("a", image_attributes(text_inputs=True))
CAUSAL = TokenKind("a", text_attributes(visual_inputs=True, causal=True))


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_tokens_that_follow_have_the_states_of_one_pass(blocks) -> None:
    torch.manual_seed(0)
    encoder = UnifiedEncoder(EncoderSize(8, 2, 2, 12), blocks, ("a",), layer_scale=None).eval()
    x = torch.randn(2, 6, 8)
    mask = torch.ones(6, 6).tril().bool()
    mask[:3, :3] = True
    spans = (Span(3, IMAGE), Span(3, CAUSAL))
    whole = encoder(TokenSequences(x, spans, None, mask, 3)).states
    start = encoder(TokenSequences(x[:, :3], spans[:1], None, None, 3))
    assert torch.allclose(start.states, whole[:, :3], atol=1e-5)
    later, added = encoder.extend(x[:, 3:], spans[1:], torch.ones(3, 3).tril().bool(), start.caches)
    assert torch.allclose(later, whole[:, 3:], atol=1e-5)
    caches = [cache.append(new.keys, new.values) for cache, new in zip(start.caches, added, strict=True)]
    assert {cache.keys.shape[2] for cache in caches} == {6}


def test_only_routing_by_the_data_has_a_load_balancing_loss() -> None:
    x, found = torch.randn(2, 4, 8), {}
    for name, blocks in BLOCKS.items():
        encoder = UnifiedEncoder(EncoderSize(8, 2, 2, 12), blocks, ("a",)).eval()
        found[name] = encoder(TokenSequences(x, (Span(4, IMAGE),))).load_balance
    assert {name for name, loss in found.items() if loss is not None} == {"token", "context"}


def test_every_other_layer_has_experts() -> None:
    sizes = EncoderSize(8, 5, 2, 12)
    some = UnifiedEncoder(sizes, replace(BLOCKS["attribute"], where="every other"), ("a",))
    assert [block.mlp_gate is not None for block in some.blocks] == [True, False, True, False, True]
    every = UnifiedEncoder(sizes, BLOCKS["attribute"], ("a",))
    assert all(block.mlp_gate is not None for block in every.blocks)
