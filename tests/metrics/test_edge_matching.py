"""Thinning and matching of edges: by hand, on shapes, and against all pairings."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from motet.metrics.edge_matching import count_matches, thinned

EIGHT = np.ones((3, 3))


def blobs(seed: int, size: int = 40) -> np.ndarray:
    """Returns thick random shapes."""
    rng = np.random.default_rng(seed)
    return np.asarray(ndimage.gaussian_filter(rng.normal(size=(size, size)), 2) > 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_thin_lines_keep_the_pieces_and_lie_inside(seed: int) -> None:
    thick = blobs(seed)
    thin = thinned(thick)
    assert not (thin & ~thick).any()
    assert ndimage.label(thin, EIGHT)[1] == ndimage.label(thick, EIGHT)[1]
    assert thin.sum() < thick.sum() / 2
    squares = ndimage.correlate(thin.astype(int), np.ones((2, 2), dtype=int), mode="constant")
    assert (squares == 4).sum() == 0, "no block of two by two is left"
    assert np.array_equal(thinned(thin), thin)


def test_a_line_of_one_pixel_stays_to_its_ends() -> None:
    line = np.zeros((9, 9), dtype=bool)
    line[4, 1:8] = True
    assert np.array_equal(thinned(line), line)
    ring = np.zeros((9, 9), dtype=bool)
    ring[2:7, 2:7], ring[3:6, 3:6] = True, False
    assert thinned(ring).sum() >= ring.sum() - 4
    assert not thinned(ring)[4, 4]


def test_a_whole_image_of_edges_is_thinned_fast() -> None:
    whole = thinned(np.ones((321, 481), dtype=bool))
    assert 0 < whole.sum() < 1000


@pytest.mark.parametrize("seed", range(8))
def test_pairs_are_as_many_as_the_best_assignment_has(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, annotated = rng.random((2, 24, 31)) < 0.08
    reach = 0.06 * np.hypot(24, 31)
    one, other = np.argwhere(predicted), np.argwhere(annotated)
    near = np.linalg.norm(one[:, None] - other[None], axis=2) <= reach
    rows, columns = linear_sum_assignment(~near)
    assert count_matches(predicted, annotated, max_distance=0.06) == near[rows, columns].sum()


def test_a_pixel_is_in_one_pair_at_most_and_not_beyond_the_distance() -> None:
    predicted, annotated = np.zeros((2, 100, 100), dtype=bool)
    predicted[50, 48:53] = True
    annotated[50, 50] = True
    assert count_matches(predicted, annotated) == 1
    assert count_matches(np.roll(annotated, 1, axis=0), annotated) == 1
    assert count_matches(np.roll(annotated, 2, axis=0), annotated) == 0  # 1.06 pixels are allowed
    assert count_matches(np.zeros_like(annotated), annotated) == 0
