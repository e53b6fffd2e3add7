"""Uniform choice, with one draw from the generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def one_of(options: Sequence[T], rng: np.random.Generator) -> T:
    """Returns one of the options, all equally likely.

    Not `Generator.choice`, which converts the options to an array and would lose their types.

    Examples:
        >>> one_of(("only",), np.random.default_rng(0))
        'only'
    """
    return options[int(rng.integers(len(options)))]
