"""Out of memory becomes one line; every other error passes unchanged."""

import pytest
import torch

from motet.core import MotetError
from motet.training.errors import TrainingError, explain_out_of_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["cuda", "python", "cpu"],
)
def test_out_of_memory_says_what_to_lower(error: Exception) -> None:
    with pytest.raises(TrainingError) as raised, explain_out_of_memory(7, CPU, 32):
        raise error
    text = str(raised.value)
    assert text.startswith("step 7: out of memory on cpu: got 32 rows at once; want fewer")
    assert "train.micro_batches" in text
    assert "\n" not in text
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("x"), NotImplementedError("y")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, explain_out_of_memory(7, CPU, 32):
        raise error
    assert raised.value is error


def test_nothing_is_raised_where_nothing_fails() -> None:
    with explain_out_of_memory(0, CPU, 1):
        done = True
    assert done


def test_a_training_error_is_caught_as_motets_and_as_a_runtime_error() -> None:
    assert issubclass(TrainingError, MotetError)
    assert issubclass(TrainingError, RuntimeError)
