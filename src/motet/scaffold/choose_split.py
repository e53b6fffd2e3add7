"""The split of training data of which some splits are missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from motet.core import Reader
from motet.data.splits import split_by_image

_MOST_ROWS = 1_000  # of a part: more take longer to evaluate, and say little more
_SEEDS = 30
_CLOSE = 0.15  # relative deviation of a part from its share that is close enough


def choose_split(reader: Reader, missing: Sequence[str]) -> tuple[dict[str, float], int]:
    """Returns the shares of the splits, and the seed that comes nearest to them; empty splits are left out.

    The split of an image is drawn by its id, so with few images the true shares can be far from those given.
    """
    roles = list(missing)
    share = min(0.1, max(0.001, round(_MOST_ROWS / max(1, len(reader)), 3)))
    while roles:
        shares = {"train": round(1 - share * len(roles), 3), **dict.fromkeys(roles, share)}
        best = (math.inf, 0)
        for seed in range(_SEEDS):
            best = min(best, (_off(split_by_image(reader, shares, seed), shares), seed))
            if best[0] < _CLOSE:
                break
        if best[0] < math.inf:
            return shares, best[1]
        roles.pop()
    return {"train": 1.0}, 0


def _off(parts: Mapping[str, Reader], shares: Mapping[str, float]) -> float:
    """Returns the relative distance of the worst split from its share; infinite where one is empty."""
    rows = sum(len(part) for part in parts.values())
    if not all(len(part) for part in parts.values()):
        return math.inf
    return max(abs(len(parts[name]) / rows / share - 1) for name, share in shares.items())
