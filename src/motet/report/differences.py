"""The difference of two systems on the same rows, with its interval over images and over the seeds of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from motet.core import rng_for
from motet.evaluation.intervals import Bootstrap

Draws: TypeAlias = Float[np.ndarray, " draws"]
_NUM_DRAWS = 1_000
_SEED_DRAWS = 4  # choices of seeds per choice of images


@dataclass(frozen=True)
class Difference:
    """The difference of two scores, positive where the first side is better.

    Args:
        value: of the means over seeds, in the unit of the score.
        low: lower end of its interval; None where neither images nor seeds were drawn.
        high: upper end.
        over: what was drawn: "images and seeds", "images", "seeds" or "".
    """

    value: float
    low: float | None = None
    high: float | None = None
    over: str = ""


@dataclass(frozen=True)
class ScoreDraws:
    """Bootstrap samples of the mean scores of two sides; sample i has the same images on both.

    Args:
        first: of the first side.
        second: of the second.
        over: what was drawn; see `Difference`.
    """

    first: Draws
    second: Draws
    over: str

    def difference(self, value: float, *, higher_is_better: bool, level: float) -> Difference:
        """Returns the difference with its percentile interval at this level."""
        if not self.over:
            return Difference(value)
        low, high = interval_of((self.first - self.second) * (1 if higher_is_better else -1), level)
        return Difference(value, low, high, self.over)


def interval_of(draws: Draws, level: float) -> tuple[float, float]:
    """Returns the percentile interval of some draws."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_draws(
    first: Sequence[tuple[float, Bootstrap | None]], second: Sequence[tuple[float, Bootstrap | None]]
) -> ScoreDraws:
    """Draws images, the same on both sides, and the seeds of each side: a crossed bootstrap.

    With n seeds the deviations of the drawn means are scaled by sqrt(n / (n - 1)), since drawing n of n values with
    replacement has only (n - 1) / n of their variance. One seed says nothing about its spread and is kept. The interval
    is a little too wide: the noise of a seed on an image counts as that of the image and as that of the seed. Without
    the bootstraps over images, or with those of other images on one side, only seeds are drawn.

    Args:
        first: per seed the score and its bootstrap.
        second: of the other side.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 8 and 13; pairs of seeds and
    images: Bouthillier et al. 2021 (arXiv 2103.03098), section 3.
    """
    images = {(one.images, len(one.values)) if one is not None else None for _, one in (*first, *second)}
    is_paired = None not in images and len(images) == 1
    seeds = len(first) > 1 or len(second) > 1
    over = " and ".join(word for word, drawn in (("images", is_paired), ("seeds", seeds)) if drawn)
    return ScoreDraws(_side(first, is_paired, "first"), _side(second, is_paired, "second"), over)


def _side(scores: Sequence[tuple[float, Bootstrap | None]], over_images: bool, name: str) -> Draws:
    rows = [one.values if over_images and one is not None else np.full(_NUM_DRAWS, value) for value, one in scores]
    by_seed = np.stack(rows)  # seeds x draws
    count, draws = by_seed.shape
    mean = by_seed.mean(axis=0)
    if count == 1:
        return np.tile(mean, _SEED_DRAWS)
    rng = rng_for("seeds", name, count)
    chosen = rng.integers(count, size=(_SEED_DRAWS, draws, count))
    drawn = by_seed[chosen, np.arange(draws)[None, :, None]].mean(axis=2)
    spread: np.ndarray = mean + (drawn - mean) * (count / (count - 1)) ** 0.5
    return spread.reshape(-1)
