"""Order of layers and co-attentions, embeddings with a task token, and bad connections."""

import pytest
import torch

from motet.core import ConfigError
from motet.systems.twelve_in_one.streams import (
    Pooler,
    RegionEmbedding,
    StreamSizes,
    TextEmbedding,
    TwoStreams,
    last_layers,
)


def streams(connections) -> TwoStreams:
    torch.manual_seed(0)
    sizes = StreamSizes(
        text_width=8, text_depth=3, text_heads=2, text_hidden=16, image_width=8, image_depth=2, image_heads=2,
        image_hidden=16, co_width=8, co_heads=2, connections=connections,
    )  # fmt: skip
    return TwoStreams(sizes, 0.0, 0.0).eval()


def test_a_task_token_does_not_shift_positions() -> None:
    embedding = TextEmbedding(20, 8, 6, 2, 0.0).eval()
    ids, types = torch.randint(0, 20, (2, 5)), torch.zeros(2, 5, dtype=torch.long)
    plain, with_token = embedding(ids, types, None), embedding(ids, types, torch.randn(8))
    torch.testing.assert_close(with_token[:, [0, 2, 3, 4, 5]], plain)


def test_types_beyond_the_table_are_its_last() -> None:
    embedding, ids = TextEmbedding(20, 8, 6, 1, 0.0).eval(), torch.randint(0, 20, (1, 4))
    one = torch.ones(1, 4, dtype=torch.long)
    assert torch.equal(embedding(ids, one, None), embedding(ids, 0 * one, None))


def test_all_layers_run_once_in_the_order_of_the_connections() -> None:
    model, order = streams(((0, 1), (1, 3))), []
    for name, layers in (("text", model.text), ("image", model.image), ("co", model.co)):
        for index, layer in enumerate(layers):
            layer.register_forward_pre_hook(lambda *_, name=name, index=index: order.append(f"{name}{index}"))
    text, image = torch.randn(1, 4, 8), torch.randn(1, 3, 8)
    model.encode_jointly(model.encode_text(text, None), None, model.encode_image(image, None), None)
    assert order == ["text0", "co0", "text1", "text2", "image0", "co1", "image1"]


def test_only_requested_maps_are_returned() -> None:
    model, text, image = streams(last_layers(2, 3)), torch.randn(1, 4, 8), torch.randn(1, 3, 8)
    for wanted in ((), (1,), (0, 1)):
        maps = model.encode_jointly(text, None, image, None, attention_layers=wanted)[2]
        assert len(maps) == len(wanted)
        assert all(one.words_to_regions.shape == (1, 2, 4, 3) for one in maps)


def test_regions_are_features_and_locations() -> None:
    embedding = RegionEmbedding(5, 8, 0.0).eval()
    features, locations = torch.randn(1, 2, 5), torch.rand(1, 2, 5)
    assert not torch.allclose(embedding(features, locations), embedding(features, locations.flip(1)))
    assert float(Pooler(8, 4)(torch.randn(2, 3, 8)).detach().min()) >= 0


@pytest.mark.parametrize(
    ("connections", "message"),
    [
        ((), "got none; want at least one co-attention"),
        (((0, 13),), r"got \(0, 13\); want an image layer from 0 to 6 and a text layer from 0 to 12"),
        (((1, 2), (0, 3)), "want them in order of depth"),
    ],
)
def test_bad_connections_are_named(connections, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StreamSizes(connections=connections)
