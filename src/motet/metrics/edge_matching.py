"""Thins lines of edges to one pixel, and matches them one to one to annotated edges within a distance."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

MAX_DISTANCE = 0.0075
"""The largest distance between two matched edge pixels, as a share of the image's diagonal.

Source: Martin et al. 2004 ("Learning to detect natural image boundaries"), and BSDS500's `boundaryBench`.
"""

_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""The neighbours of a pixel, clockwise from the one above."""


def thinned(edges: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Returns lines of one pixel in place of thick ones; what was connected stays connected.

    Source: Guo and Hall 1989 ("Parallel thinning with two-subiteration algorithms"), algorithm A1, which MATLAB's
    `bwmorph(..., 'thin', inf)` of the official benchmark also follows.

    Examples:
        >>> thinned(np.ones((3, 5), dtype=bool)).astype(int).tolist()
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    thin = np.pad(edges, 1)
    while True:
        before = np.count_nonzero(thin)
        for first in (True, False):
            rows, columns = _removable(thin, first)
            thin[rows, columns] = False
        if np.count_nonzero(thin) == before:
            inside: Bool[np.ndarray, "h w"] = thin[1:-1, 1:-1]
            return inside


def count_matches(
    predicted: Bool[np.ndarray, "h w"], annotated: Bool[np.ndarray, "h w"], *, max_distance: float = MAX_DISTANCE
) -> int:
    """Returns the largest number of pairs of a predicted and an annotated edge pixel, each pixel in one pair at most.

    Args:
        predicted: edges.
        annotated: edges.
        max_distance: between the pixels of a pair, as a share of the diagonal.

    Examples:
        >>> one, other = np.zeros((2, 100, 100), dtype=bool)
        >>> one[50, 50:53], other[51, 51] = True, True
        >>> count_matches(one, other)
        1
    """
    # Commands that evaluate nothing do not wait for scipy.
    from scipy import ndimage
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not predicted.any() or not annotated.any():
        return 0
    height, width = predicted.shape
    reach = max_distance * float(np.hypot(height, width))
    numbers = np.full(annotated.shape, -1)
    numbers[annotated] = np.arange(np.count_nonzero(annotated))
    whole = int(reach)
    padded = np.pad(numbers, whole, constant_values=-1)
    # Only pixels that have an annotated one within reach can be matched.
    rows, columns = np.nonzero(predicted & (ndimage.distance_transform_edt(~annotated) <= reach))
    lefts, rights = [], []
    for y in range(-whole, whole + 1):
        for x in range(-whole, whole + 1):
            if y * y + x * x > reach * reach:
                continue
            beside = padded[rows + whole + y, columns + whole + x]
            (found,) = np.nonzero(beside >= 0)
            lefts.append(found)
            rights.append(beside[found])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    graph = csr_matrix((np.ones(len(left), dtype=bool), (left, right)), shape=(len(rows), np.count_nonzero(annotated)))
    return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def _removable(edges: Bool[np.ndarray, "h w"], first: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and columns of the edge pixels that one of the two subiterations removes; no edge is at a border.

    Ends and bridges of lines stay. Only pixels beside one that is no edge can be removed, so no others are looked at:
    a whole image of edges takes hundreds of iterations.
    """
    surrounded = edges[:-2, 1:-1] & edges[2:, 1:-1] & edges[1:-1, :-2] & edges[1:-1, 2:]
    rows, columns = (place + 1 for place in np.nonzero(edges[1:-1, 1:-1] & ~surrounded))
    p = [edges[rows + y, columns + x] for y, x in _AROUND]
    crossings = sum((~p[i] & (p[i + 1] | p[(i + 2) % 8])).astype(np.int8) for i in (0, 2, 4, 6))
    before = sum((p[i] | p[i + 1]).astype(np.int8) for i in (0, 2, 4, 6))
    after = sum((p[i + 1] | p[(i + 2) % 8]).astype(np.int8) for i in (0, 2, 4, 6))
    neighbours = np.minimum(before, after)
    side = ((p[0] | p[1] | ~p[3]) & p[2]) if first else ((p[4] | p[5] | ~p[7]) & p[6])
    removed = (crossings == 1) & (neighbours >= 2) & (neighbours <= 3) & ~side
    return rows[removed], columns[removed]
