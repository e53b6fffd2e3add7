"""Starts `motet` in processes that can be killed: as a user does, or forked from one that has imported everything.

Imports take most of the life of a short run, so most kills use the second way: the same program, `motet.cli.main`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeAlias

from forked import CONTEXT

_Process: TypeAlias = BaseProcess | subprocess.Popen[bytes]


@dataclass(frozen=True)
class Running:
    """The processes of one command.

    Args:
        processes: one per rank, or torchrun's.
        errors: the file of each one's stderr.
        since: the time at which they were started.
    """

    processes: tuple[_Process, ...]
    errors: tuple[Path, ...]
    since: float

    def is_alive(self) -> bool:
        return any(_code(process) is None for process in self.processes)

    def send(self, number: signal.Signals, *, only: int | None = None) -> None:
        """Sends a signal to all processes, or to one of them; SIGKILL to all reaches those that they started too."""
        for process in self.processes if only is None else self.processes[only : only + 1]:
            if _code(process) is None and process.pid is not None:
                started = _descendants(process.pid) if number == signal.SIGKILL and only is None else []
                for pid in (process.pid, *started):
                    _send(pid, number)

    def wait(self, seconds: float) -> list[int | None]:
        """Waits and returns the exit codes; None for a process that had to be killed for its time was up."""
        end = time.monotonic() + seconds
        codes: list[int | None] = []
        for process in self.processes:
            while _code(process) is None and time.monotonic() < end:
                time.sleep(0.005)
            codes.append(_code(process))
            if codes[-1] is None:
                for pid in _descendants(process.pid or 0):
                    _send(pid, signal.SIGKILL)
                process.kill()
        return codes

    def text(self) -> str:
        """The text on stderr of all processes."""
        return "".join(path.read_text(errors="replace") for path in self.errors)


@dataclass(frozen=True)
class Forked:
    """Forks every process from one that has imported motet and torch."""

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], logs: Path, world: int = 1) -> Running:
        ranks = [{}] if world == 1 else _rank_environments(world)
        errors = tuple(logs.with_suffix(f".{rank}.err") for rank in range(world))
        since = time.time()
        processes = [
            CONTEXT.Process(target=_main, args=(list(arguments), {**environment, **own}, str(path)))
            for own, path in zip(ranks, errors, strict=True)
        ]
        for path, process in zip(errors, processes, strict=True):
            path.write_bytes(b"")
            process.start()
        return Running(tuple(processes), errors, since)


@dataclass(frozen=True)
class Fresh:
    """Starts `python -m motet.cli`, or `torchrun -m motet.cli`."""

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], logs: Path, world: int = 1) -> Running:
        runner = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(world), "-m"] if world > 1 else []
        path, since = logs.with_suffix(".err"), time.time()
        with path.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", *runner, "motet.cli", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        return Running((process,), (path,), since)


def _rank_environments(world: int) -> list[dict[str, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    same = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [{"RANK": str(rank), "LOCAL_RANK": str(rank), **same} for rank in range(world)]


def _main(arguments: list[str], environment: Mapping[str, str], errors: str) -> None:
    os.environ.update(environment)
    os.setsid()
    for number, path in ((1, os.devnull), (2, errors)):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    import torch

    from motet.cli.main import main

    multiprocessing.set_start_method(None, force=True)  # for processes that the command starts in its turn
    torch.set_num_threads(1)
    sys.argv = ["motet", *arguments]
    main(arguments)


def _code(process: _Process) -> int | None:
    return process.exitcode if isinstance(process, BaseProcess) else process.poll()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return found
    for child in children:
        found += [int(child), *_descendants(int(child))]
    return found


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
