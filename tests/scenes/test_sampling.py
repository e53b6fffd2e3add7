"""Uniform choice."""

from collections import Counter

import numpy as np

from motet.scenes.sampling import one_of


def test_all_options_are_equally_likely_and_keep_their_type() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(one_of(("a", 1, None), rng) for _ in range(3000))
    assert set(counts) == {"a", 1, None}
    assert min(counts.values()) > 900


def test_one_draw_is_used_also_of_a_single_option() -> None:
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    one_of(["x"] * 5, first)
    second.integers(5)
    assert first.random() == second.random()
