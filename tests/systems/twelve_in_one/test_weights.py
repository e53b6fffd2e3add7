"""Official names to own names, and what is refused; the numbers are held by tests/golden."""

from types import SimpleNamespace

import pytest
import torch

from motet.core import CheckpointError, ConfigError
from motet.nn.heads import BertHead
from motet.systems.twelve_in_one import TwelveInOneConfig
from motet.systems.twelve_in_one.body import build_body
from motet.systems.twelve_in_one.weights import convert_body, convert_co_attention, load_vilbert, merge_qkv

BERT = SimpleNamespace(
    vocab_size=30, hidden_size=8, type_vocab_size=1, max_position_embeddings=12, layer_norm_eps=1e-12,
    hidden_act="gelu", num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
)  # fmt: skip
CONFIG = TwelveInOneConfig(image_width=8, image_depth=1, image_heads=2, image_hidden=8, co_width=8, co_heads=2)
VALUE = torch.zeros(1)


@pytest.mark.parametrize(
    ("official", "own"),
    [
        ("bert.embeddings.LayerNorm.gamma", "body.words.norm.weight"),
        ("bert.v_embeddings.image_location_embeddings.weight", "body.regions.places.weight"),
        ("bert.t_pooler.dense.bias", "body.text_pooler.dense.bias"),
        ("bert.encoder.v_layer.3.intermediate.dense.weight", "body.streams.image.3.feedforward.up.weight"),
        ("bert.encoder.layer.2.attention.self.key.bias", "body.streams.text.2.query_key_value.bias#key"),
        ("bert.encoder.c_layer.1.biOutput.dense2.weight", "body.streams.co.1.text_added.out.weight"),
    ],
)
def test_names_of_the_official_code(official: str, own: str) -> None:
    assert list(convert_body(official, VALUE)) == [own]


def test_stream_1_of_the_official_code_is_the_image() -> None:
    assert list(convert_co_attention("biattention.query1.weight", VALUE)) == ["image_query_key_value.weight#query"]
    assert list(convert_co_attention("biattention.value2.bias", VALUE)) == ["text_query_key_value.bias#value"]


def test_thirds_are_joined_in_the_order_of_queries_keys_and_values() -> None:
    parts = {f"w#{name}": torch.full((1, 2), float(i)) for i, name in enumerate(("query", "key", "value"))}
    assert merge_qkv({"b": VALUE, **dict(reversed(parts.items()))})["w"][:, 0].tolist() == [0, 1, 2]


def published(width: int = 2) -> dict[str, torch.Tensor]:
    weights = {"bert.encoder.c_layer.0.biattention.key2.bias": torch.full((8,), 3.0)}
    weights |= {"module.vil_prediction.logit_fc.3.bias": torch.full((width,), 5.0)}
    return weights | {"bert.embeddings.task_embeddings.weight": torch.arange(16.0).view(2, 8)}


def test_heads_and_tokens_that_are_handed_in_are_filled() -> None:
    body, head, token = build_body(CONFIG, BERT, 12, 5), BertHead(8, 2, hidden=16), torch.nn.Parameter(torch.zeros(8))
    loaded = load_vilbert(body, published(), heads={"vil_prediction": head}, tokens={1: token})
    assert head.out.bias.tolist() == [5.0, 5.0]
    assert token.tolist() == list(range(8, 16))
    assert body.streams.co[0].text_query_key_value.bias.tolist()[8:16] == [3.0] * 8
    assert {"heads.vil_prediction.out.bias", "tokens.1"} <= set(loaded.loaded)
    assert all(name.startswith("body.") for name in loaded.missing)


def test_a_head_with_other_names_is_left_alone_and_reported() -> None:
    body, head = build_body(CONFIG, BERT, 12, 5), BertHead(8, 2, hidden=16)
    before = head.out.bias.clone()
    loaded = load_vilbert(body, published(width=3), heads={"vil_prediction": head})
    assert loaded.mismatched == (("vil_prediction.logit_fc.3.bias", (3,), (2,)),)
    assert torch.equal(head.out.bias, before)


def test_what_cannot_be_loaded_is_one_line() -> None:
    body = build_body(CONFIG, BERT, 12, 5)
    with pytest.raises(ConfigError, match=r"load_vilbert: heads: got \['vil'\]; want official names"):
        load_vilbert(body, published(), heads={"vil": BertHead(8, 2, hidden=16)})
    with pytest.raises(ConfigError, match="load_vilbert: tokens: got None for row 1; want the token of a task"):
        load_vilbert(body, published(), tokens={1: None})
    with pytest.raises(CheckpointError, match="want a ViLBERT's names"):
        load_vilbert(body, {"fc.weight": VALUE})
