"""Attention maps by row, without padding, with the task token and the whole image in their places."""

import numpy as np
import pytest
import torch
from toy_twelve_in_one import LONG, SHORT, task, text_inputs

from motet.core import Label, Target
from motet.systems.twelve_in_one.answers import EncodedPairs
from motet.systems.twelve_in_one.attention import attention_maps
from motet.systems.twelve_in_one.body import PairStates
from motet.systems.twelve_in_one.layers import CoAttentionMaps
from motet.systems.twelve_in_one.regions import PaddedRegions
from motet.systems.twelve_in_one.text_inputs import pad_texts

TEXTS = tuple((text_inputs().encode(text, task("t", Label(("no", "yes")))),) for text in (SHORT, LONG))
VALUE = pad_texts(TEXTS, text_inputs().sentences.pad)
LENGTHS = [len(text.ids) for (text,) in TEXTS]
BOXES = torch.tensor([[[0.0, 0, 0.5, 1], [0.5, 0.25, 1, 1]], [[0, 0, 1, 0.5], [0, 0, 0, 0]]])
VALID = torch.tensor([[True, True], [True, False]])


def encoded(token: bool, layers: int = 2) -> EncodedPairs:
    """Pairs whose weights are all different: layer, row, head, query and key can be told from each."""
    words, regions = VALUE["ids"].shape[2] + token, 3
    maps = tuple(
        CoAttentionMaps(
            10_000.0 * layer + torch.arange(2.0 * 2 * words * regions).view(2, 2, words, regions),
            -10_000.0 * layer - torch.arange(2.0 * 2 * words * regions).view(2, 2, regions, words),
        )
        for layer in range(layers)
    )
    states = torch.zeros(2, 1, 1)
    of_image = PaddedRegions(torch.zeros(2, 2, 1), BOXES, VALID, torch.tensor([[20.0, 40.0], [8.0, 16.0]]), VALID)
    return EncodedPairs(PairStates(states, states, states[:, 0], states[:, 0], maps), states[:, 0], of_image)


@pytest.mark.parametrize("token", [True, False])
def test_padding_of_words_and_regions_is_left_out(token: bool) -> None:
    pairs = encoded(token)
    found = attention_maps(pairs, Target(torch.arange(2), VALUE), text_inputs(), token=token)
    for row, (maps, regions) in enumerate(zip(found, (3, 2), strict=True)):
        words = LENGTHS[row] + token
        assert len(maps.words) == words
        assert maps.words_to_regions.shape == (2, 2, words, regions)
        assert maps.regions_to_words.shape == (2, 2, regions, words)
        for layer, of_layer in enumerate(pairs.states.maps):
            to_regions, to_words = of_layer.words_to_regions[row], of_layer.regions_to_words[row]
            np.testing.assert_array_equal(maps.words_to_regions[layer], to_regions[:, :words, :regions])
            np.testing.assert_array_equal(maps.regions_to_words[layer], to_words[:, :regions, :words])
    assert len(found[0].words) < len(found[1].words)


def test_the_task_token_follows_the_first_word() -> None:
    target = Target(torch.arange(2), VALUE)
    with_token, without = (attention_maps(encoded(t), target, text_inputs(), token=t)[0].words for t in (True, False))
    assert with_token == (without[0], "[TASK]", *without[1:])
    assert (without[0], without[-1]) == ("[CLS]", "[SEP]")


def test_boxes_are_in_pixels_of_the_file_the_whole_image_first() -> None:
    first, second = attention_maps(encoded(False), Target(torch.arange(2), VALUE), text_inputs(), token=False)
    assert first.boxes_xyxy.tolist() == [[0, 0, 40, 20], [0, 0, 20, 20], [20, 5, 40, 20]]
    assert second.boxes_xyxy.tolist() == [[0, 0, 16, 8], [0, 0, 16, 4]]
