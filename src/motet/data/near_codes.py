"""Search for binary codes that differ in few bits, without comparing all pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy as np
from jaxtyping import Int64, UInt64

_BITS = 64
_MAX_CANDIDATES = 2_000_000
_MAX_WIDTH = 22  # of a band, whose table has 2 ** width cells


@dataclass(frozen=True)
class NearPairs:
    """Pairs of codes, each pair once.

    Args:
        left: indices into the first list.
        right: indices into the second list.
        distance: number of bits that differ.
    """

    left: Int64[np.ndarray, " p"]
    right: Int64[np.ndarray, " p"]
    distance: Int64[np.ndarray, " p"]


def near_pairs(left: UInt64[np.ndarray, " n"], right: UInt64[np.ndarray, " m"], radius: int) -> NearPairs:
    """Finds all pairs of one code of each list that differ in at most `radius` bits; the search is exact.

    Multi-index hashing: codes are cut into bands. Two codes that differ in at most r bits differ in some band by at
    most r / bands bits, so a lookup of each band's neighbours in a table finds all pairs. The width of the bands
    follows from the number of codes: where codes are spread evenly, a code is compared with few others.

    Source: Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012.

    Args:
        left: codes.
        right: codes; the tables are built from these.
        radius: number of bits that may differ.

    Examples:
        >>> found = near_pairs(np.array([0b1111, 0], np.uint64), np.array([0b0111, 255], np.uint64), 2)
        >>> found.left.tolist(), found.right.tolist(), found.distance.tolist()
        ([0], [0], [1])
    """
    unique_left, places_left = _unique(left)
    unique_right, places_right = _unique(right)
    found = [
        np.unique(pairs)
        for pairs in _candidates(unique_left, unique_right, radius)
    ]  # fmt: skip
    keys = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    a, b = keys // max(1, len(unique_right)), keys % max(1, len(unique_right))
    # Equal codes were looked up once; expand each hit to all pairs of equal codes.
    counts = np.diff(places_left.starts)[a] * np.diff(places_right.starts)[b]
    which = np.repeat(np.arange(len(keys)), counts)
    within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    many = np.diff(places_right.starts)[b][which]
    l_place = places_left.order[places_left.starts[a][which] + within // np.maximum(many, 1)]
    r_place = places_right.order[places_right.starts[b][which] + within % np.maximum(many, 1)]
    distance = np.bitwise_count(unique_left[a] ^ unique_right[b]).astype(np.int64)[which]
    return NearPairs(l_place, r_place, distance)


@dataclass(frozen=True)
class _CodePlaces:
    """The indices of each different code: ``order[starts[i]:starts[i + 1]]``."""

    order: np.ndarray
    starts: np.ndarray


def _unique(codes: np.ndarray) -> tuple[np.ndarray, _CodePlaces]:
    unique, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return unique, _CodePlaces(np.argsort(inverse, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))


def _bands(count: int, radius: int) -> list[tuple[int, int, int]]:
    """Returns (shift, width, flips) of each band, for the number of bands with the fewest expected lookups.

    A radius r = a * bands + b needs a flips in the first b + 1 bands and a - 1 in the others: codes that differ in more
    bits in every band differ in more than r bits.
    """
    options = []
    for bands in range(2, 9):
        most, rest = divmod(radius, bands)
        edges = [_BITS * place // bands for place in range(bands + 1)]
        layout = [
            (low, high - low, most if place <= rest else most - 1) for place, (low, high) in enumerate(pairwise(edges))
        ]
        layout = [band for band in layout if band[2] >= 0]
        lookups = sum(
            comb(width, k) * (1 + count / 2**width) for _, width, flips in layout for k in range(min(flips, width) + 1)
        )
        if max(width for _, width, _ in layout) <= _MAX_WIDTH:
            options.append((lookups, bands, layout))
    return min(options)[2]


def _candidates(left: np.ndarray, right: np.ndarray, radius: int) -> Iterator[np.ndarray]:
    """Yields pairs within the radius as ``left index * len(right) + right index``; a pair may come several times."""
    if not len(left) or not len(right):
        return
    bands = _bands(len(right), radius)
    for shift, width, max_flips in bands:
        keys = _band(right, shift, width)
        order = np.argsort(keys, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << width))])
        left_keys = _band(left, shift, width)
        for flipped in _flips(width, max_flips):
            cells = left_keys ^ flipped
            counts = starts[cells + 1] - starts[cells]
            for rows in _slices(counts):
                queries = np.repeat(np.arange(rows.start, rows.stop), counts[rows])
                ends = np.cumsum(counts[rows])
                within = np.arange(len(queries)) - np.repeat(ends - counts[rows], counts[rows])
                matches = order[starts[cells[queries]] + within]
                near = np.bitwise_count(left[queries] ^ right[matches]) <= radius
                yield queries[near] * len(right) + matches[near]


def _band(codes: np.ndarray, shift: int, width: int) -> np.ndarray:
    found = (codes >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    return found.astype(np.int64)


def _flips(width: int, max_flips: int) -> Iterator[int]:
    """Yields every number of `width` bits with at most `max_flips` bits set."""
    for count in range(max_flips + 1):
        for places in combinations(range(width), count):
            yield sum(1 << place for place in places)


def _slices(counts: np.ndarray) -> Iterator[slice]:
    """Yields runs of rows whose candidates fit into memory together."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + _MAX_CANDIDATES, side="right"))
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop
