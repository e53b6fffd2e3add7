"""States of one side: trimming, saved states, projections once per side; the blocks of the body."""

from types import SimpleNamespace

import pytest
import torch

from motet.core import ConfigError
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.twelve_in_one.body import Body, UnimodalStates, build_body

BERT = SimpleNamespace(
    vocab_size=30, hidden_size=8, type_vocab_size=1, max_position_embeddings=12, layer_norm_eps=1e-12,
    hidden_act="gelu", num_hidden_layers=3, num_attention_heads=2, intermediate_size=16,
)  # fmt: skip
CONFIG = TwelveInOneConfig(image_width=8, image_depth=2, image_heads=2, image_hidden=8, co_width=8, co_heads=2)


@pytest.fixture(scope="module")
def body() -> Body:
    torch.manual_seed(0)
    return build_body(CONFIG, BERT, 12, 5).eval()


def test_projections_made_once_change_nothing(body) -> None:
    texts = body.encode_texts(torch.randint(0, 30, (2, 4)), torch.zeros(2, 4).long(), torch.ones(2, 4).bool(), None)
    images = body.encode_images(torch.randn(2, 3, 5), torch.rand(2, 3, 5), torch.ones(2, 3).bool())
    plain = body.join(texts, images)
    made = body.join(body.project_qkv(texts, "texts"), body.project_qkv(images, "images"))
    torch.testing.assert_close(body.fuse(made), body.fuse(plain))
    again = UnimodalStates.from_dict(texts.to_dict())
    assert torch.equal(body.join(again, images).text, plain.text)


def test_trimming_drops_what_is_padding_everywhere() -> None:
    valid = torch.arange(6) < torch.tensor([[2], [4]])
    trimmed = UnimodalStates(torch.zeros(2, 6, 3), valid, torch.zeros(2, 6, 9)).trim()
    assert trimmed.states.shape == (2, 4, 3)
    assert trimmed.qkv.shape == (2, 4, 9)
    assert trimmed.valid.sum(1).tolist() == [2, 4]


def test_a_task_token_is_one_more_valid_state(body) -> None:
    valid = torch.tensor([[True, True, False]])
    made = body.encode_texts(torch.zeros(1, 3).long(), torch.zeros(1, 3).long(), valid, torch.randn(8))
    assert made.valid.tolist() == [[True, True, True, False]]


def test_blocks_hold_every_parameter_once_in_the_order_they_run(body) -> None:
    blocks = body.blocks()
    held = [id(p) for modules in blocks.values() for module in modules for p in module.parameters()]
    assert sorted(held) == sorted(id(p) for p in body.parameters())
    assert list(blocks) == [
        "words", "regions", "text_layer0", "co_layer0", "text_layer1", "image_layer0", "co_layer1", "text_layer2",
        "image_layer1", "poolers",
    ]  # fmt: skip
    assert len(body.co_attention_norms()) == 4


def test_fusion_is_a_product_or_a_sum(body) -> None:
    text, image = torch.tensor([[2.0, 3.0]]), torch.tensor([[5.0, 7.0]])
    states = SimpleNamespace(text_pooled=text, image_pooled=image)
    total = build_body(TwelveInOneConfig(fusion="sum"), BERT, 12, 5).eval()
    assert body.fuse(states).tolist() == [[10.0, 21.0]]
    assert total.fuse(states).tolist() == [[7.0, 10.0]]


def test_another_activation_is_refused() -> None:
    with pytest.raises(ConfigError, match="got a BERT with activation 'relu'; want one with 'gelu'"):
        build_body(CONFIG, SimpleNamespace(**{**vars(BERT), "hidden_act": "relu"}), 12, 5)
