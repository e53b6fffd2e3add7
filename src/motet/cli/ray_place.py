"""A Ray cluster as the place of a grid's runs: each is one task of Ray, on any node that sees the same folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motet.cli.stop import is_stopping
from motet.cli.subprocesses import only_words, run_words

if TYPE_CHECKING:
    from motet.experiments.run_grid import Cell, RunGrid, Stopping

_HANDED_ON = ("MOTET_DATA", "PYTHONPATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "HF_HOME", "HF_HUB_OFFLINE")
"""The variables that a run on another node gets: none of them holds a secret."""
_TRIES = 5
"""Starts of one run whose node dies each time."""
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class RayCluster:
    """A cluster of Ray, with as many runs at the same time as it has GPUs, or nodes where it has none.

    This process claims the cells and hands each to Ray, which knows sooner than a claim's lapse that a node has died.
    Folder, recipe and data must have the same paths on all nodes.

    Args:
        words: the command line of the grid, after ``motet``.
        address: of the cluster; "auto" for the one that this machine is part of.
    """

    words: tuple[str, ...]
    address: str = "auto"
    shared = False

    @property
    def width(self) -> int:
        """The number of GPUs of the cluster, or of its nodes where it has none."""
        with _connected(self.address) as ray:
            return _jobs(ray)

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Runs the cells on the cluster, and waits for those that other processes have.

        Raises:
            ConfigError: Ray is not installed, or there is no such cluster.
        """
        from motet.experiments.run_grid import work_off

        with _connected(self.address) as ray:
            gpus = int(ray.cluster_resources().get("GPU", 0))
            remote = ray.remote(max_retries=_TRIES, num_gpus=1 if gpus else 0, scheduling_strategy="SPREAD")(_run_there)

            def run_one(grid: RunGrid, cell: Cell, job: int, stopping: Stopping) -> str:
                del job
                handed = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
                log, typed = grid.folder.resolve() / cell.log, only_words(self.words, cell)
                return _wait(ray, remote.remote(typed, str(log), cell.minutes, handed, str(Path.cwd())), stopping)

            work_off(grid, run_one, jobs=_jobs(ray), stopping=is_stopping, log=log)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yields the package ray, connected to a cluster. Raises ConfigError, see `RayCluster.run`."""
    from motet.core.errors import ConfigError

    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--on ray: got no package ray; want the extra motet[ray] (pip install 'motet[ray]')"
        ) from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--on ray: got no cluster at {address!r} ({' '.join(str(error).split())[:200]}); want "
            "`ray start --head` on one machine and `ray start --address=...` on the others"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _jobs(ray: Any) -> int:
    gpus = int(ray.cluster_resources().get("GPU", 0))
    return gpus or sum(bool(node["Alive"]) for node in ray.nodes())


def _run_there(words: list[str], log: str, minutes: float, environment: dict[str, str], folder: str) -> str:
    """Runs a command line on a node; Ray interrupts it where it is cancelled."""
    return run_words(
        words, Path(log), minutes=minutes, stopping=lambda: False, environment=environment, folder=Path(folder)
    )


def _wait(ray: Any, task: Any, stopping: Stopping) -> str:
    while not ray.wait([task], timeout=_POLL_SECONDS)[0]:
        if stopping():
            ray.cancel(task)
            ray.wait([task], timeout=None)
            return "stopped"
    try:
        return str(ray.get(task))
    except ray.exceptions.RayError as error:
        return f"Ray: {' '.join(str(error).split())[:200]}"
