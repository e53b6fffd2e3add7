"""The wait of OpenMP's threads for each other, chosen before torch is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping

OWN_CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS")
"""Variables by which a user decides it; one that is set is left alone, and so is all else."""

_SPINS = {"GOMP_SPINCOUNT": "3000"}


def waiting_threads(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables to set so that training is fast on an idle machine and beside other work.

    After each operation a thread of libgomp spins for some ten milliseconds before it sleeps. On idle cores that saves
    the time of waking it; on busy ones it takes the core from the very thread that it waits for, and steps become
    ten times slower. A short spin keeps most of both (bench/bench_beside_work.md).

    Args:
        environment: of the process.

    Examples:
        >>> waiting_threads({})
        {'GOMP_SPINCOUNT': '3000'}
        >>> waiting_threads({"OMP_WAIT_POLICY": "ACTIVE"})
        {}
    """
    return {} if any(name in environment for name in OWN_CHOICES) else dict(_SPINS)


def choose_waiting_threads() -> None:
    """Sets the variables for this process and those that it starts; without effect once torch is imported."""
    os.environ.update(waiting_threads(os.environ))
