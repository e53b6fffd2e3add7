"""Arrays of different sizes as one tensor."""

import numpy as np
import pytest
import torch

from motet.systems.base import stack_padded, stack_values


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.bool_])
def test_equal_sizes_are_stacked_as_they_are(dtype) -> None:
    arrays = [np.arange(6).reshape(2, 3).astype(dtype), np.ones((2, 3), dtype=dtype)]
    stacked = stack_padded(arrays, fill=-1)
    assert np.array_equal(stacked.numpy(), np.stack(arrays))
    assert stacked.numpy().dtype == dtype


def test_numbers_become_a_vector() -> None:
    assert stack_padded([np.array(3), np.array(-1)]).tolist() == [3, -1]


def test_padding_is_behind_every_axis() -> None:
    stacked = stack_padded([np.ones((1, 2)), np.zeros((0, 3)), np.full((2, 1), 2.0)], fill=9)
    assert stacked.tolist() == [[[1, 1, 9], [9, 9, 9]], [[9, 9, 9], [9, 9, 9]], [[2, 9, 9], [2, 9, 9]]]


def test_padding_of_masks_is_false() -> None:
    stacked = stack_padded([np.ones(1, dtype=bool), np.ones(2, dtype=bool)])
    assert stacked.dtype == torch.bool
    assert stacked.tolist() == [[True, False], [True, True]]


def test_values_are_stacked_by_name_each_with_its_own_padding() -> None:
    rows = [{"ids": np.array([4]), "label": np.array(1)}, {"ids": np.array([5, 6]), "label": np.array(0)}]
    found = stack_values(rows, fill={"ids": -1})
    assert {name: value.tolist() for name, value in found.items()} == {"ids": [[4, -1], [5, 6]], "label": [1, 0]}
    assert stack_values(rows)["ids"].tolist() == [[4, 0], [5, 6]]
