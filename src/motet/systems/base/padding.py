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


def fill_blanks(arrays: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """Returns the arrays with zeros, like the first of them, in place of None; none where all are None."""
    first = next((array for array in arrays if array is not None), None)
    return [] if first is None else [np.zeros_like(first) if array is None else array for array in arrays]


def pad_ids(rows: Sequence[Sequence[int]], pad: int, length: int | None = None) -> Tensor:
    """Returns the token ids of rows as one tensor, filled up on the right.

    Args:
        rows: token ids.
        pad: the id that fills up shorter rows.
        length: of every row; None for that of the longest.

    Examples:
        >>> pad_ids([[5], [6, 7]], 0).tolist(), pad_ids([[5]], 9, 3).tolist()
        ([[5, 0], [6, 7]], [[5, 9, 9]])
    """
    length = max(map(len, rows)) if length is None else length
    return torch.tensor([[*row, *[pad] * (length - len(row))] for row in rows], dtype=torch.long)


def stack_values(
    values: Sequence[Mapping[str, np.ndarray]], fill: Mapping[str, int] = MappingProxyType({})
) -> dict[str, Tensor]:
    """Stacks the arrays of rows by name, as `stack_padded`; the names are those of the first row.

    Args:
        values: of the rows.
        fill: by name, the number that its padding consists of, where that is not 0.
    """
    return {name: stack_padded([value[name] for value in values], fill.get(name, 0)) for name in values[0]}
