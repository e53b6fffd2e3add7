"""Arrays of different sizes as one tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor


def stack_padded(arrays: Sequence[np.ndarray], fill: int = 0) -> Tensor:
    """Stacks arrays that may differ in size; smaller ones are filled up behind their own values.

    Examples:
        >>> stack_padded([np.array([[1, 2]]), np.array([[3], [4]])], fill=-1).tolist()
        [[[1, 2], [-1, -1]], [[3, -1], [4, -1]]]
    """
    if len({array.shape for array in arrays}) > 1:
        largest = np.max([array.shape for array in arrays], axis=0)
        arrays = [np.pad(each, [(0, n) for n in largest - each.shape], constant_values=fill) for each in arrays]
    return torch.from_numpy(np.stack(arrays))


def stack_values(
    values: Sequence[Mapping[str, np.ndarray]], fill: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Tensor]:
    """Stacks the arrays of rows by name, as `stack_padded`; the names are those of the first row.

    Args:
        values: of the rows.
        fill: by name, the number that its padding consists of, where that is not 0.
    """
    return {name: stack_padded([value[name] for value in values], fill.get(name, 0)) for name in values[0]}
