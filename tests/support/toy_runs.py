"""Toy runs in processes of their own, that can be killed in the middle of anything."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from forked import CONTEXT
from toys import ToyJudge, ToyReader, toy_sources, toy_system

from motet.core import CheckpointError, Report, Schedule, Step, UpdateForm, rng_for
from motet.data.mixture import Mixture
from motet.data.round_robin import RoundRobin
from motet.data.source import Source
from motet.data.stop_and_go import StopAndGo
from motet.training.balancers import Balancer
from motet.training.checkpoint import Position, save
from motet.training.config import TrainConfig
from motet.training.distributed import processes
from motet.training.fit import fit
from motet.training.optim import AdamW, OptimizerSpec


class Observing:
    """A schedule that gives more rows to what scores less, and asks for an evaluation every seven steps."""

    def __init__(self, names: tuple[str, ...], batch_size: int, seed: int) -> None:
        self.names, self.batch_size, self.seed = names, batch_size, seed
        self.need = dict.fromkeys(names, 1.0)

    def update_form(self) -> UpdateForm:
        return UpdateForm(batch_sizes=dict.fromkeys(self.names, self.batch_size), mixed=True)

    def step(self, index: int, world: int) -> Step:
        weights = [self.need[name] / sum(self.need.values()) for name in self.names]
        drawn = rng_for("toy schedule", self.seed, index).choice(self.names, self.batch_size, p=weights)
        parts = [drawn[len(drawn) * r // world : len(drawn) * (r + 1) // world] for r in range(world)]
        return Step(tuple(({str(name): int((part == name).sum()) for name in sorted(set(part))},) for part in parts))

    def due(self, index: int) -> tuple[str, ...]:
        return tuple(f"task_{name}" for name in self.names) if index and index % 7 == 0 else ()

    def observe(self, report: Report) -> None:
        for result in report.results:
            self.need[result.task.removeprefix("task_")] = 101 - result.value

    def state_dict(self) -> dict[str, Any]:
        return {"need": dict(self.need)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.need = dict(state["need"])


@dataclass(frozen=True)
class ToyRun:
    """A run of forty steps over two small sources (many epochs).

    Args:
        folder: of the run.
        workers: loader processes.
        world: ranks.
        die: kill -9 oneself at a call: {"step" | "judge" | "fsync" | "rename": the how-manieth}.
        regime: "observing", or "stop and go": every source in turn, its updates apart, evaluated each at its own time.
        slow: seconds a step waits, so that a parent can send a signal in time.
        dropout: of the system; its draws differ between numbers of ranks.
        steps: of the plan.
        parts: that each rank's batch is cut in.
        sharded: each rank keeps its part of parameters and optimiser.
        balancer: combines the losses; the mean over rows by default.
        optimizer: AdamW by default.
    """

    folder: Path
    workers: int = 0
    world: int = 1
    die: Mapping[str, int] | None = None
    regime: str = "observing"
    slow: float = 0.0
    dropout: float = 0.2
    steps: int = 40
    parts: int = 1
    sharded: bool = False
    balancer: Balancer | None = None
    optimizer: OptimizerSpec = field(default_factory=AdamW)

    def __call__(self) -> Report:
        train_sources = toy_sources(23, 11)
        held_out = tuple(
            Source(name=f"{s.name}/val", reader=ToyReader(f"{s.name}-val", 20), tasks=s.tasks, role="val")
            for s in train_sources
        )
        system, evaluator = toy_system(train_sources, dropout=self.dropout), ToyJudge()
        kill = deadly(self.die or {}, self.slow)
        setattr(system, "losses", kill("step", system.losses))  # noqa: B010
        os.fsync = kill("fsync", os.fsync)
        setattr(Path, "rename", kill("rename", Path.rename))  # noqa: B010
        plan = TrainConfig(
            steps=self.steps, lr=0.03, save_every=5, workers=self.workers, weight_decay=0.01,
            micro_batches=self.parts, sharded=self.sharded, optimizer=self.optimizer,
        )  # fmt: skip
        with processes("cpu"):
            mixture = Mixture(train_sources, self._schedule(train_sources), seed=5)
            return fit(
                system,
                mixture,
                plan,
                balancer=self.balancer,
                held_out=held_out,
                folder=self.folder,
                resume=True,
                evaluator=kill("judge", evaluator),
                show=False,
            )

    def _schedule(self, sources: tuple[Source, ...]) -> Schedule:
        if self.regime == "observing":
            return Observing(("a", "b"), 12, seed=5)
        # Cautious thresholds, so that tasks stop, stand empty steps and come back within forty steps.
        stop = StopAndGo(gap=3, patience=0, threshold=0.02, continue_threshold=0.0)
        return RoundRobin(batch_size=5, batch_sizes={"b": 3}, periods={"task_a": 3, "task_b": 2}, stop=stop).bind(
            sources, seed=5
        )


def deadly(die: Mapping[str, int], slow: float) -> Callable[[str, Callable[..., Any]], Callable[..., Any]]:
    """Wraps calls of a kind: the how-manieth of it kills this process, and every step waits so many seconds."""
    import time

    def wrap(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        calls = 0

        def wrapped(*args: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if die.get(kind) == calls:
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "step" and slow:
                time.sleep(slow)
            return call(*args, **named)

        return wrapped

    return wrap


@dataclass(frozen=True)
class SavesInto:
    """Saves twice, with a limit on the size of files that the second one's weights do not fit in."""

    folder: Path

    def __call__(self) -> None:
        system = toy_system(toy_sources(5), width=40)
        optimizer = AdamW().build(system.parameter_groups(), lr=0.1, weight_decay=0.01)
        position = Position(step=3, advanced=3, mixture={})
        save(self.folder, position, system, optimizer, identity={}, keep_checkpoints=1)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY))
        try:
            save(self.folder, replace(position, step=4), system, optimizer, identity={}, keep_checkpoints=1)
        except CheckpointError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            (self.folder / "said.txt").write_text(str(error))


def start(run: Callable[[], object], *, world: int = 1) -> list[BaseProcess]:
    """The processes of a run, started as `torchrun` would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environments = [
        {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for rank in range(world)
    ]
    started: list[BaseProcess] = [CONTEXT.Process(target=_in, args=(environment, run)) for environment in environments]
    for process in started:
        process.start()
    return started


def finish(processes: list[BaseProcess], seconds: float = 60) -> list[int | None]:
    """Waits for them and gives their exit codes; what still runs then is killed."""
    for process in processes:
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def _in(environment: Mapping[str, object], run: Callable[[], object]) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ.update({name: str(value) for name, value in environment.items()})
    run()
