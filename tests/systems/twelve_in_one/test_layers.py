"""Co-attention: padding is ignored, both directions attend to the inputs, known projections change nothing."""

import pytest
import torch

from motet.core import ConfigError
from motet.systems.twelve_in_one.layers import BertLayer, CoAttentionLayer

TEXT, IMAGE = torch.randn(2, 4, 8), torch.randn(2, 5, 12)
TEXT_VALID, IMAGE_VALID = torch.arange(4) < torch.tensor([[4], [2]]), torch.arange(5) < torch.tensor([[5], [3]])


@pytest.fixture(scope="module")
def layer() -> CoAttentionLayer:
    torch.manual_seed(0)
    return CoAttentionLayer(8, 12, 16, 2, 20, 24, 0.1, 0.1).eval()


def test_padding_of_either_stream_changes_nothing(layer) -> None:
    text, image = layer(TEXT, TEXT_VALID, IMAGE, IMAGE_VALID)
    cut_text, cut_image = layer(TEXT[1:, :2], None, IMAGE[1:, :3], None)
    torch.testing.assert_close(text[1:, :2], cut_text)
    torch.testing.assert_close(image[1:, :3], cut_image)


def test_each_stream_depends_on_the_other(layer) -> None:
    text, image = layer(TEXT, None, IMAGE, None)
    assert not torch.allclose(layer(TEXT, None, IMAGE.flip(0), None)[0], text)
    assert not torch.allclose(layer(TEXT.flip(0), None, IMAGE, None)[1], image)


def test_maps_sum_to_one_over_what_is_valid(layer) -> None:
    maps: list = []
    layer(TEXT, TEXT_VALID, IMAGE, IMAGE_VALID, maps)
    (both,) = maps
    torch.testing.assert_close(both.words_to_regions.sum(-1), torch.ones(2, 2, 4))
    assert float(both.words_to_regions[1, :, :, 3:].abs().max()) == 0
    assert float(both.regions_to_words[1, :, :, 2:].abs().max()) == 0


def test_known_projections_change_nothing(layer) -> None:
    qkv = layer.text_query_key_value(TEXT), layer.image_query_key_value(IMAGE)
    for got, plain in zip(
        layer(TEXT, None, IMAGE, None, text_qkv=qkv[0], image_qkv=qkv[1]), layer(TEXT, None, IMAGE, None), strict=True
    ):
        assert torch.equal(got, plain)


def test_a_bert_layer_ignores_padding_and_wants_a_divisor() -> None:
    one = BertLayer(8, 2, 16, 0.1, 0.1).eval()
    torch.testing.assert_close(one(TEXT, TEXT_VALID)[1:, :2], one(TEXT[1:, :2], None))
    with pytest.raises(ConfigError, match="heads: got 3 for a width of 8; want a divisor"):
        BertLayer(8, 3, 16, 0.1, 0.1)
