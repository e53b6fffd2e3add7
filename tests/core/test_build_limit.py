import pytest
import torch
from torch import nn

from motet.core import CheckpointError
from motet.core.build_limit import at_most


def test_a_model_of_its_size_is_built() -> None:
    with at_most(2, 10, where="x"):
        nn.Linear(1000, 1000)
    with at_most(2, 10**8, where="x"), torch.device("meta"):
        nn.Linear(10**4, 10**4)


def test_a_wide_one_stops_before_its_memory_is_used() -> None:
    with (
        pytest.raises(
            CheckpointError, match=r"x: config.json: got sizes of .* 1 tensors and 4,000,000,000 numbers; want"
        ),
        at_most(2, 10, where="x"),
    ):
        nn.Linear(40_000, 100_000)
    nn.Linear(10, 10)  # the limit has ended


def test_a_deep_one_stops_too() -> None:
    with pytest.raises(CheckpointError, match="more than 2,001 tensors"), at_most(2, 10, where="x"):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**6)))
