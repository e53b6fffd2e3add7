"""Arrays of different lengths as one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor


def stack_padded(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stacks arrays that may differ in the length of their first axis; shorter ones are filled up with zeros.

    Examples:
        >>> stack_padded([np.array([1, 2]), np.array([3])]).tolist()
        [[1, 2], [3, 0]]
    """
    if arrays[0].ndim and len({len(array) for array in arrays}) > 1:
        longest = max(len(array) for array in arrays)
        arrays = [np.pad(array, [(0, longest - len(array)), *[(0, 0)] * (array.ndim - 1)]) for array in arrays]
    return torch.from_numpy(np.stack(arrays))


def stack_values(values: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Tensor]:
    """Stacks the arrays of rows by name, as `stack_padded`; the names are those of the first row."""
    return {name: stack_padded([value[name] for value in values]) for name in values[0]}
