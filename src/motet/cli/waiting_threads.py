"""The wait of OpenMP's threads for each other, chosen before torch is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping

OWN_CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS")
"""Variables by which a user decides it; one that is set is left alone, and so is all else."""

_BUSY = 0.5  # processes per core


def waiting_threads(environment: Mapping[str, str], load: float, cores: int) -> dict[str, str]:
    """Returns the variables to set so that training is fast on an idle machine and beside other work.

    After each operation a thread of libgomp spins for some ten milliseconds before it sleeps. On idle cores that saves
    the time of waking it; on busy ones it takes the core from the very thread that it waits for, and steps become
    twenty times slower.

    Args:
        environment: of the process.
        load: processes that ran or waited to run, over the last minute.
        cores: that the process may use.

    Examples:
        >>> waiting_threads({}, load=2.0, cores=2)
        {'OMP_WAIT_POLICY': 'PASSIVE'}
        >>> waiting_threads({"OMP_WAIT_POLICY": "ACTIVE"}, load=2.0, cores=2)
        {}
    """
    if any(name in environment for name in OWN_CHOICES):
        return {}
    return {"OMP_WAIT_POLICY": "PASSIVE"} if load >= _BUSY * cores else {}


def choose_waiting_threads() -> None:
    """Sets the variables for this process and those that it starts; without effect once torch is imported."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return
    # In a container or a batch job the process may have fewer cores than the machine.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.update(waiting_threads(os.environ, load, cores))
