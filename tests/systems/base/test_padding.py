"""Arrays and ids of different sizes as one tensor."""

import numpy as np
import pytest
import torch

from motet.systems.base import fill_blanks, pad_ids, stack_padded, stack_values


def test_none_becomes_zeros_like_the_first_array() -> None:
    first, other = np.ones((2, 3), np.float16), np.full((5, 1), 7)
    found = fill_blanks([None, first, other])
    assert [array.shape for array in found] == [(2, 3), (2, 3), (5, 1)]
    assert found[0].dtype == np.float16
    assert not found[0].any()
    assert found[1] is first
    assert found[2] is other
    assert fill_blanks([None, None]) == fill_blanks([]) == []


def test_ids_are_padded_to_the_longest_row_or_to_a_length() -> None:
    assert pad_ids([[5], (6, 7)], 3).tolist() == [[5, 3], [6, 7]]
    assert pad_ids([[5]], 0, 3).tolist() == [[5, 0, 0]]
    assert pad_ids([[], []], 0).shape == (2, 0)
    assert pad_ids([[], []], 0).dtype == torch.long


def test_arrays_are_stacked_by_name_and_padded_along_the_first_axis() -> None:
    rows = [{"a": np.array(1), "b": np.ones((1, 2))}, {"a": np.array(2), "b": np.ones((3, 2))}]
    found = stack_values(rows)
    assert found["a"].tolist() == [1, 2]
    assert found["b"].sum((1, 2)).tolist() == [2, 6]
    assert not found["b"][0, 1:].any()
    assert stack_padded([np.ones((2, 2)), np.ones((2, 2))]).shape == (2, 2, 2)


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
