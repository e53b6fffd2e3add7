"""The interval of a difference: pairs of images, seeds of both sides."""

import numpy as np
import pytest

from motet.core import rng_for
from motet.evaluation.intervals import Bootstrap
from motet.report.differences import paired_draws

DRAWS = 1_000


def side(values, *, shared=None, noise=0.0, name="x", images="same"):
    """Scores of some seeds whose bootstraps share the draws of the images and have noise of their own."""
    rng = rng_for("side", name)
    shared = np.zeros(DRAWS) if shared is None else shared
    return [(v, Bootstrap(v + shared + noise * rng.normal(size=DRAWS), images)) for v in values]


def test_what_both_sides_share_leaves_the_difference() -> None:
    hard = 5 * rng_for("hard").normal(size=DRAWS)
    first, second = side([60.0], shared=hard, noise=0.1, name="a"), side([59.0], shared=hard, noise=0.1, name="b")
    paired = paired_draws(first, second).difference(1.0, higher_is_better=True, level=0.95)
    assert paired.over == "images"
    assert paired.low is not None
    assert paired.high is not None
    assert 0.5 < paired.low < 1 < paired.high < 1.5
    other = side([59.0], shared=hard[::-1], noise=0.1, name="b")
    unpaired = paired_draws(first, other).difference(1.0, higher_is_better=True, level=0.95)
    assert unpaired.low is not None
    assert unpaired.low < -8


def test_the_seeds_of_both_sides_widen_it() -> None:
    one = paired_draws(side([70.0, 70.0]), side([40.0, 100.0])).difference(0.0, higher_is_better=True, level=0.95)
    assert one.over == "images and seeds"
    assert one.low is not None
    assert one.high is not None
    assert one.low < -25
    assert one.high > 25
    other = paired_draws(side([40.0, 100.0]), side([70.0, 70.0])).difference(0.0, higher_is_better=True, level=0.95)
    assert (other.low, other.high) != (0.0, 0.0)


def test_lower_is_better_turns_it() -> None:
    found = paired_draws(side([2.0, 2.1]), side([3.0, 3.1])).difference(1.0, higher_is_better=False, level=0.95)
    assert found.low is not None
    assert found.low > 0


def test_other_images_are_not_paired_and_nothing_drawn_is_no_interval() -> None:
    found = paired_draws(side([60.0]), side([50.0], images="others"))
    assert (found.over, found.difference(10.0, higher_is_better=True, level=0.95).low) == ("", None)
    seeds = paired_draws([(60.0, None), (61.0, None)], [(50.0, None)])
    assert seeds.over == "seeds"


def test_its_spread_over_seeds_is_that_of_a_mean() -> None:
    values = [50.0, 53.0, 58.0, 51.0]
    draws = paired_draws(side(values), side([0.0])).first
    assert np.std(draws) == pytest.approx(np.std(values, ddof=1) / 2, rel=0.05)


def test_at_least_nineteen_of_twenty_intervals_hold_the_true_difference() -> None:
    """Two systems that are right on 60 and 55 % of the images, with seeds of their own, on shared images."""
    held, widths, number = 0, [], 150
    for trial in range(number):
        rng = rng_for("cover", trial)
        hard = rng.normal(size=400)
        counts = rng.multinomial(400, np.full(400, 1 / 400), size=300)
        sides = []
        for mean in (0.6, 0.55):
            seeds = []
            for _ in range(5):
                level = mean + 0.02 * rng.normal()
                right = (np.clip(level + 0.1 * hard, 0, 1) > rng.random(400)).astype(float)
                seeds.append((100 * right.mean(), Bootstrap(100 * (counts @ right) / 400, "same")))
            sides.append(seeds)
        found = paired_draws(*sides).difference(0.0, higher_is_better=True, level=0.95)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 5.0 <= found.high
        widths.append(found.high - found.low)
    assert held / number >= 0.93
    # Noise that every seed has for itself on every image counts twice: in the images and in the seeds.
    true_spread = 100 * (2 * (0.02**2 + 0.24 / 400) / 5) ** 0.5
    assert 1 <= np.mean(widths) / (2 * 1.96 * true_spread) <= 1.5
