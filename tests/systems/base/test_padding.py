"""Arrays of different lengths as one tensor."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.systems.base.padding import stack_padded, stack_values


@settings(max_examples=40, deadline=None)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), inner=st.lists(st.integers(1, 3), max_size=2))
def test_each_array_is_whole_and_zeros_follow(lengths: list[int], inner: list[int]) -> None:
    arrays = [np.full((length, *inner), place + 1, np.float32) for place, length in enumerate(lengths)]
    stacked = stack_padded(arrays)
    assert stacked.shape == (len(lengths), max(lengths), *inner)
    for place, length in enumerate(lengths):
        assert bool((stacked[place, :length] == place + 1).all())
        assert not stacked[place, length:].any()


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.bool_, np.uint8])
def test_the_type_stays(dtype: type) -> None:
    stacked = stack_padded([np.ones(3, dtype), np.ones(1, dtype)])
    assert stacked.numpy().dtype == dtype
    assert stacked[1].tolist() == [1, 0, 0]


def test_single_numbers_are_stacked_as_they_are() -> None:
    assert stack_padded([np.array(3), np.array(4)]).tolist() == [3, 4]


def test_only_the_first_axis_may_differ() -> None:
    with pytest.raises(ValueError, match="shape"):
        stack_padded([np.ones((2, 3)), np.ones((1, 4))])


def test_values_are_stacked_by_name_each_to_its_own_length() -> None:
    rows = [
        {"ids": np.array([1, 2, 3]), "box": np.zeros(4), "label": np.array(1)},
        {"ids": np.array([4]), "box": np.ones(4), "label": np.array(0)},
    ]
    stacked = stack_values(rows)
    assert {name: tuple(value.shape) for name, value in stacked.items()} == {
        "ids": (2, 3),
        "box": (2, 4),
        "label": (2,),
    }
    assert torch.equal(stacked["ids"], torch.tensor([[1, 2, 3], [4, 0, 0]]))
    with pytest.raises(KeyError):
        stack_values([rows[0], {"ids": np.array([4])}])
