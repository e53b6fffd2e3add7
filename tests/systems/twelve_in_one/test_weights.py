"""Official names to own names; the numbers are held by tests/golden."""

import pytest
import torch

from motet.systems.twelve_in_one.weights import convert_body, convert_co_attention, merge_qkv

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
