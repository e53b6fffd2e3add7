"""Key maps of big_vision; the numbers are compared with the official ones in tests/golden."""

import numpy as np
import pytest
import torch

from motet.core import CheckpointError
from motet.nn.pretrained.big_vision import load_vit, norm_state, part
from motet.nn.vit import ViT


def test_a_missing_array_is_named() -> None:
    vit = ViT((2, 2), 4, 8, 1, 2, 16)
    with pytest.raises(CheckpointError, match=r"got 1 arrays without 'embedding/kernel'"):
        load_vit(vit, {"pos_embedding": np.zeros((1, 4, 8))})


def test_a_part_of_the_arrays_loses_its_first_name() -> None:
    arrays = {"a/scale": np.ones(2), "a/bias": np.zeros(2), "b/scale": np.ones(3)}
    state = norm_state(part(arrays, "a/"), "")
    assert {name: value.tolist() for name, value in state.items()} == {"weight": [1.0, 1.0], "bias": [0.0, 0.0]}
    assert all(value.dtype == torch.float32 for value in state.values())
