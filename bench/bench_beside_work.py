"""Steps of `lit_decoder:tiny` on idle cores and beside one busy process per core, by how OpenMP's threads wait.

python bench/bench_beside_work.py                     on a machine that does nothing else; under four minutes
python bench/bench_beside_work.py --spin 300 1000     other spin counts of libgomp than 10000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import Goal, write_goals
from motet.cli.waiting_threads import OWN_CHOICES, waiting_threads

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
DEFAULT, CHOSEN = "torch's default", "motet's choice"
WANT_BUSY, WANT_IDLE = 0.55, 0.93


def settings(spins: list[str]) -> dict[str, dict[str, str]]:
    """Environment variables by the name of a row."""
    return {
        DEFAULT: {},
        CHOSEN: waiting_threads({}),
        "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
        "one thread": {"OMP_NUM_THREADS": "1"},
        **{f"GOMP_SPINCOUNT={spin}": {"GOMP_SPINCOUNT": spin} for spin in spins},
    }


class Child:
    """A process that trains for some seconds whenever it is asked, and waits without a thread that spins between."""

    def __init__(self, variables: dict[str, str]) -> None:
        plain = {name: value for name, value in os.environ.items() if name not in OWN_CHOICES}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**plain, **variables},
        )

    def ask(self, seconds: float) -> float:
        """Steps per second over so many seconds; with 0, waits until the model is built."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(seconds, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def child() -> None:
    """Builds the system, then trains as long as each line of stdin says."""
    import torch

    from motet.config.recipe_files import load_recipe
    from motet.data.loader import Loader
    from motet.data.mixture import Mixture
    from motet.training.estimate import ImageEncoding
    from motet.training.initial_weights import initial_system
    from motet.training.optim import set_lr
    from motet.training.step import TrainStep

    run = load_recipe("lit_decoder:tiny")
    sources = run.of_role("train")
    mixture = Mixture(sources, run.schedule.bind(sources, seed=run.train.seed), run.train.seed)
    system, _ = initial_system(run, torch.device("cpu"))
    encoding = ImageEncoding(system)
    system.processor = system.processor.with_features(encoding)
    groups = system.parameter_groups()
    optimizer = run.train.optimizer.build(groups, lr=run.train.lr, weight_decay=run.train.weight_decay)
    set_lr(optimizer, 0.0)
    step = TrainStep(system, optimizer, run.balancer, run.train, encoding.device)
    steps = Loader(mixture, system.processor, parts=run.train.micro_batches).segment(0, 2)
    batches = [[part for batch in ready.batches for part in batch] for ready in steps]
    system.train()
    step.update(0, 0, batches[0], False)
    for line in sys.stdin:
        seconds, count, start = float(line), 0, time.perf_counter()
        while time.perf_counter() < start + seconds:
            step.update(count, 0, batches[count % len(batches)], False)
            count += 1
        print(count / (time.perf_counter() - start), flush=True)


@contextmanager
def busy() -> Iterator[None]:
    """One process per core that computes without end."""
    work = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(CORES)]
    try:
        yield
    finally:
        for process in work:
            process.kill()
            process.wait()


def main() -> None:
    """Measures in turns, prints the table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--spin", nargs="*", default=["10000"], help="further spin counts of libgomp")
    parser.add_argument("--seconds", type=float, default=3.5, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write bench_beside_work.md")
    options = parser.parse_args()
    if options.child:
        child()
        return
    load = os.getloadavg()[0]
    children = {name: Child(variables) for name, variables in settings(options.spin).items()}
    for one in children.values():
        one.ask(0)
    idle: dict[str, list[float]] = {name: [] for name in children}
    beside: dict[str, list[float]] = {name: [] for name in children}
    for _ in range(options.repeats):
        for name, one in children.items():
            idle[name].append(one.ask(options.seconds))
        with busy():
            for name, one in children.items():
                beside[name].append(one.ask(options.seconds))
    for one in children.values():
        one.close()
    show(load, idle, beside, write=options.write)


def show(load: float, idle: dict[str, list[float]], beside: dict[str, list[float]], *, write: bool) -> None:
    """Prints rates and ratios, and whether both bounds hold."""
    default_rate = statistics.median(idle[DEFAULT])
    rows = []
    for name in idle:
        quiet, loud = statistics.median(idle[name]), statistics.median(beside[name])
        rows.append((name, f"{quiet:.2f}", f"{loud:.2f}", f"{quiet / default_rate:.2f}", f"{loud / default_rate:.2f}"))
    kept_idle = statistics.median(idle[CHOSEN]) / default_rate
    kept_busy = statistics.median(beside[CHOSEN]) / default_rate
    notes = [
        f"{CORES} cores, load {load:.1f} before the start. Steps per second; ratios are to the default on idle cores.",
        f"Idle: {kept_idle:.2f} of the default's rate (want {WANT_IDLE}). "
        f"Beside work: {kept_busy:.2f} of it (want {WANT_BUSY}; half of each core is 0.50).",
    ]
    columns = ("threads wait by", "idle", "beside work", "idle / default", "beside / default idle")
    table = [columns, ("---",) * len(columns), *rows]
    lines = ["# Beside other work", "", *(line for note in notes for line in (note, ""))]
    text = "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in table)]) + "\n"
    print(text)
    if write:
        Path(__file__).with_suffix(".md").write_text(text)
        write_goals(
            Path(__file__).stem,
            [
                Goal("steps on idle cores, of the default's rate", kept_idle, at_least=WANT_IDLE),
                Goal("steps beside a busy process per core, of the idle rate", kept_busy, at_least=WANT_BUSY),
            ],
        )


if __name__ == "__main__":
    main()
