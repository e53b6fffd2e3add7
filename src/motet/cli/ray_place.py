"""A Ray cluster as the place of a grid's runs: each is one task of Ray, on any node that sees the same folder."""

from __future__ import annotations

import os
from collections.abc import Callable
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

    def run(self, grid: RunGrid, *, log: Callable[[str], None]) -> None:
        """Runs the cells on the cluster, and waits for those that other processes have.

        Raises:
            ConfigError: Ray is not installed, or there is no such cluster.
        """
        from motet.core.errors import ConfigError
        from motet.experiments.run_grid import work_off

        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "--on ray: got no package ray; want the extra motet[ray] (pip install 'motet[ray]')"
            ) from error
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"--on ray: got no cluster at {self.address!r} ({' '.join(str(error).split())[:200]}); want "
                "`ray start --head` on one machine and `ray start --address=...` on the others"
            ) from error
        try:
            gpus = int(ray.cluster_resources().get("GPU", 0))
            nodes = [node for node in ray.nodes() if node["Alive"]]
            jobs = gpus or len(nodes)
            remote = ray.remote(max_retries=_TRIES, num_gpus=1 if gpus else 0, scheduling_strategy="SPREAD")(_run_there)

            def run_one(grid: RunGrid, cell: Cell, job: int, stopping: Stopping) -> str:
                del job
                handed = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
                typed, folder = only_words(self.words, cell), grid.folder.resolve()
                return _wait(
                    ray, remote.remote(typed, str(folder / cell.log), cell.minutes, handed, str(Path.cwd())), stopping
                )

            work_off(grid, run_one, jobs=jobs, stopping=is_stopping, log=log)
        finally:
            ray.shutdown()


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
