"""Near codes are found exactly, and without comparing all with all."""

import numpy as np
import pytest

from motet.data import near_codes
from motet.data.near_codes import near_pairs


@pytest.fixture(scope="module")
def codes():
    """Two lists with equal codes in each, near codes between them, and the distances of all pairs."""
    rng = np.random.default_rng(0)
    left = rng.integers(0, 2**64, 150, dtype=np.uint64)
    left = np.concatenate([left, left[:7], np.zeros(3, np.uint64)])
    flips = [np.uint64(sum(1 << int(bit) for bit in rng.permutation(64)[:count])) for count in range(30)]
    right = np.concatenate([left[:30] ^ np.array(flips), rng.integers(0, 2**64, 90, dtype=np.uint64), left[:4]])
    return left, right, np.bitwise_count(left[:, None] ^ right[None]).astype(int)


@pytest.mark.parametrize("radius", [0, 1, 3, 7, 8, 10, 15, 22])
def test_every_pair_within_the_radius_is_found_once(codes, radius):
    left, right, distances = codes
    found = near_pairs(left, right, radius)
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == set(zip(*(places.tolist() for places in np.nonzero(distances <= radius)), strict=True))
    assert all(distances[a, b] == d for (a, b), d in zip(pairs, found.distance.tolist(), strict=True))


def test_what_does_not_fit_into_memory_at_once_is_found_as_well(codes, monkeypatch):
    left, right, distances = codes
    monkeypatch.setattr(near_codes, "_MAX_CANDIDATES", 3)
    assert len(near_pairs(left, right, 8).left) == (distances <= 8).sum()


def test_nothing_is_near_nothing():
    none, some = np.zeros(0, np.uint64), np.zeros(3, np.uint64)
    for a, b in ((none, some), (some, none), (none, none)):
        assert len(near_pairs(a, b, 8).left) == 0


def test_a_code_is_compared_with_few_others(monkeypatch):
    """Of 40,000 codes it is compared with some forty: the cells it is looked up in have less than one each."""
    looked = []
    count = np.bitwise_count
    monkeypatch.setattr(near_codes.np, "bitwise_count", lambda codes: looked.append(codes.size) or count(codes))
    rng, size = np.random.default_rng(1), 40_000
    near_pairs(*(rng.integers(0, 2**64, size, dtype=np.uint64) for _ in range(2)), 7)
    assert size < sum(looked) < 100 * size


def test_bands_grow_wider_with_the_number_of_codes_so_that_cells_stay_small():
    widths = [max(width for _, width, _ in near_codes._bands(count, 7)) for count in (1_000, 100_000, 10_000_000)]
    assert widths == sorted(widths)
    assert widths[-1] > widths[0]
    assert all(sum(width for _, width, _ in near_codes._bands(count, 10)) == 64 for count in (10, 10**4, 10**7))
