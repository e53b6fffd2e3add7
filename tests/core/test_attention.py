"""Attention maps are a frozen value with one axis order."""

import dataclasses

import numpy as np
import pytest

from motet.core import AttentionMaps


def test_attention_maps_are_frozen() -> None:
    maps = AttentionMaps(("a", "dog"), np.zeros((3, 4)), np.full((1, 2, 2, 3), 1 / 3), np.full((1, 2, 3, 2), 0.5))
    assert maps.words_to_regions.sum(-1) == pytest.approx(np.ones((1, 2, 2)))
    assert maps.regions_to_words.shape == (1, 2, len(maps.boxes_xyxy), len(maps.words))
    with pytest.raises(dataclasses.FrozenInstanceError):
        maps.words = ()  # type: ignore[misc]
