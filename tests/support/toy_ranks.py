"""What two ranks do together; results are written by each to a folder that `test_distributed` reads."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from toys import ToyConfig, ToyReader, toy_run, toy_sources, toy_system

from motet.core import MotetError, System
from motet.core.ranks import broadcast, rank
from motet.data.features import FeatureFiles
from motet.data.mixture import Mixture
from motet.data.schedules import Mixed
from motet.training.config import TrainConfig
from motet.training.distributed import broadcast_weights, buffer_copies, processes, share_updated_buffers
from motet.training.fit import fit
from motet.training.run import Features, Run
from motet.training.run_training import run_training


def ranks_run(folder: Path) -> Run:
    """The toy run without dropout, which differs between numbers of ranks, with stored features and a bad row."""
    run = toy_run(system=ToyConfig(dropout=0.0), features=Features(folder / "store", views=2))
    return dataclasses.replace(run, train=dataclasses.replace(run.train, steps=8, evaluate_every=4, save_every=4))


@dataclass(frozen=True)
class Together:
    """Every test's part on this rank."""

    folder: Path

    def __call__(self) -> None:
        with processes("cpu"):
            said = {
                "report": run_training(ranks_run(self.folder), self.folder / "run", device="cpu", show=False).to_dict(),
                "skipped": self._skipped(),
                "full": self._full_disk(),
                "unfit": self._unfit_store(),
                "weights": self._weights(),
                "buffers": self._buffers(),
            }
            (self.folder / f"{rank()}.json").write_text(json.dumps(said))

    def _skipped(self) -> list[str]:
        source = dataclasses.replace(toy_sources(20)[0], reader=ToyReader("a", 20, bad=frozenset({3})))
        mixture = Mixture([source], Mixed(batch_size=10).bind([source], seed=0), 0)
        plan = TrainConfig(steps=4, on_bad_row="skip")
        report = fit(toy_system([source]), mixture, plan, folder=self.folder / "skip", show=False)
        return list(report.notes)

    def _full_disk(self) -> str:
        """The disk is full for rank 0, which alone writes."""
        whole, sources = os.fsync, toy_sources(20)

        def full(fd: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        mixture = Mixture(sources, Mixed(batch_size=4).bind(sources, seed=0), 0)
        os.fsync = full
        try:
            fit(toy_system(sources), mixture, TrainConfig(steps=2), folder=self.folder / "full", show=False)
        except MotetError as error:
            return str(error)
        finally:
            os.fsync = whole
        return "no error"

    def _unfit_store(self) -> str:
        system = toy_system(toy_sources(5))
        with torch.no_grad():
            system.get_buffer("encoder").mul_(1e6)
        try:
            FeatureFiles.fill(system, toy_sources(5)[0].reader[0].images, self.folder / "unfit")
        except MotetError as error:
            return str(error)
        return "no error"

    def _weights(self) -> list[float]:
        system = toy_system(toy_sources(5), seed=rank())
        broadcast_weights(system)
        return [float(parameter.detach().sum()) for parameter in system.parameters()]

    def _buffers(self) -> list[float]:
        system: System = toy_system(toy_sources(5))
        system.register_buffer("seen", torch.zeros(1))
        system.register_buffer("kept", torch.full((1,), float(rank())))
        system.norm = torch.nn.BatchNorm1d(1)
        before = buffer_copies(system)
        if rank() == 1:
            system.get_buffer("seen").add_(5)  # only this rank wrote; it goes back to what rank 0 has
        system.norm(torch.tensor([[0.0], [2.0 + rank()]]))  # every rank has running means of its own
        share_updated_buffers(system, before)
        return [float(system.get_buffer(name)) for name in ("seen", "kept", "norm.running_mean")]


@dataclass(frozen=True)
class LostRank:
    """Rank 1 is killed; rank 0 writes the error that it gets."""

    folder: Path

    def __call__(self) -> None:
        try:
            with processes("cpu"):
                broadcast("all are here")
                if rank() == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                while True:
                    broadcast("still at it")
        except MotetError as error:
            (self.folder / "error").write_text(f"{type(error).__name__}: {error}")
