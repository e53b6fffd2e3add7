"""How the benches measure: in turns, in one run, at equal numbers of threads; and where they write it down."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds that repeats of one thing took."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        return f"{self.median * 1e3:.1f} ms ({min(self.seconds) * 1e3:.1f} to {max(self.seconds) * 1e3:.1f})"


@dataclass(frozen=True)
class Goal:
    """A measured ratio beside the one that is required.

    Args:
        name: the ratio in words.
        value: as it was measured.
        at_most: the largest value that is good enough.
        at_least: the smallest value that is good enough.
    """

    name: str
    value: float
    at_most: float = math.inf
    at_least: float = -math.inf

    @property
    def is_met(self) -> bool:
        return self.at_least <= self.value <= self.at_most

    def is_worse_than(self, record: Goal, by: float) -> bool:
        """Returns whether the value is worse than a recorded one by more than a share of it."""
        if record.at_most < math.inf:
            return self.value > record.value * (1 + by)
        return self.value < record.value * (1 - by)


def in_turns(parts: Mapping[str, Callable[[], object]], *, repeats: int = 7) -> dict[str, Timing]:
    """Time every part once, then every part again, and so on, so that a busy moment of the machine hits all alike.

    Args:
        parts: what is timed, by name; each is run once beforehand.
        repeats: times each is timed.
    """
    for part in parts.values():
        part()
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(repeats):
        for name, part in parts.items():
            _wait()
            start = time.perf_counter()
            part()
            _wait()
            seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


def ratio(slow: Timing, fast: Timing) -> tuple[float, float, float]:
    """How many times faster: the median over the turns, the least and the most."""
    ratios = [a / b for a, b in zip(slow.seconds, fast.seconds, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def peak_mib(function: Callable[..., Callable[[], object]], *args: Any) -> float:
    """What a call adds at its peak to the memory of a fresh process, in MiB; Linux only.

    Args:
        function: of a module's top; makes all that is needed and returns the call that is measured.
        args: its arguments; they have to be picklable.
    """
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_peak, args=(send, torch.get_num_threads(), function, args))
    process.start()
    send.close()
    found: float = receive.recv()
    process.join()
    return found


def _peak(send: Any, threads: int, function: Callable[..., Callable[[], object]], args: tuple[Any, ...]) -> None:
    torch.set_num_threads(threads)
    call = function(*args)
    # The peak so far, of making the parts, is forgotten.
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory_mib("VmRSS")
    call()
    send.send(_memory_mib("VmHWM") - before)


def _memory_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def machine() -> str:
    """One line on what was measured on."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else _processor()
    return f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}, Python {platform.python_version()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def output_folder() -> Path:
    """Returns the folder of tables and goals: `bench/`, or what BENCH_FOLDER names."""
    return Path(os.environ.get("BENCH_FOLDER", Path(__file__).parent))


def write_goals(name: str, goals: Sequence[Goal]) -> None:
    """Writes the ratios of a bench with their goals to `<name>.json`."""
    text = json.dumps({"machine": machine(), "goals": [asdict(goal) for goal in goals]}, indent=1)
    (output_folder() / f"{name}.json").write_text(text + "\n")


def read_goals(path: Path) -> tuple[str, tuple[Goal, ...]]:
    """Returns the machine and the ratios that `write_goals` wrote."""
    found = json.loads(path.read_text())
    return found["machine"], tuple(Goal(**goal) for goal in found["goals"])


def write_table(
    name: str,
    title: str,
    notes: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    goals: Sequence[Goal] = (),
) -> None:
    """Print a table, and write it to `<name>.md` in `bench/` or the folder that BENCH_FOLDER names.

    Args:
        name: the file, without its ending.
        title: its heading.
        notes: paragraphs above the table.
        columns: headings.
        rows: cells.
        goals: ratios that something is required of; see `write_goals`.
    """
    table = [columns, ["---"] * len(columns), *([str(cell) for cell in row] for row in rows)]
    lines = [f"# {title}", "", *(line for paragraph in notes for line in (paragraph, ""))]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    text = "\n".join(lines) + "\n"
    (output_folder() / f"{name}.md").write_text(text)
    if goals:
        write_goals(name, goals)
    print(text)
