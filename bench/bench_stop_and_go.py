"""What stop-and-go saves: updates of the round robin with and without it, beside the mean score that they reach.

python bench/bench_stop_and_go.py
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from measure import machine, write_table
from motet.core import Report
from motet.data.round_robin import RoundRobin
from motet.data.stop_and_go import StopAndGo
from motet.recipes.twelve_in_one import TWELVE, world
from motet.training.run_training import run_training

WAYS = {"all tasks in every iteration": None, "stop-and-go": StopAndGo()}


def trained(way: str, seed: int, folder: Path, arguments: argparse.Namespace) -> Report:
    """The test report of one run."""
    requested: Sequence[str] = arguments.tasks
    schedule = RoundRobin(batch_size=arguments.rows, stop=WAYS[way], periods=dict.fromkeys(requested, arguments.period))
    run = world(requested, steps=arguments.iterations, schedule=schedule)
    plan = replace(run.train, seed=seed)
    return run_training(replace(run, train=plan), folder / f"{way}-{seed}", baselines=False, show=False)


def updates(report: Report, rows: int) -> int:
    """How many batches the tasks had; each is an update."""
    return sum(report.samples_seen.values()) // rows


def score(report: Report) -> float:
    """The mean of the tasks' main numbers on test rows, in percent."""
    return statistics.mean(result.value for result in report.results if result.main)


def main() -> None:
    """Trains and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=list(TWELVE))
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--period", type=int, default=10, help="iterations from one evaluation of a task to the next")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows: list[tuple[object, ...]] = []
    first = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            reports = [trained(way, seed, Path(folder), arguments) for seed in arguments.seeds]
            counts = statistics.mean(updates(report, arguments.rows) for report in reports)
            scores = [score(report) for report in reports]
            spread = f"{min(scores):.1f} to {max(scores):.1f}"
            first = first or counts
            rows.append((way, f"{counts:.0f}", f"{1 - counts / first:.0%}", f"{statistics.mean(scores):.1f}", spread))
            print(rows[-1], flush=True)
    write_table(
        "bench_stop_and_go",
        "What stop-and-go saves",
        [
            machine(),
            f"{len(arguments.tasks)} tasks on scenes, {arguments.iterations} iterations of {arguments.rows} rows per "
            f"task, evaluated on validation rows every {arguments.period} iterations; {len(arguments.seeds)} seeds. "
            "The score is the mean of the tasks' main numbers on test rows; ranges that overlap are no difference.",
        ],
        ("", "updates", "saved", "mean score", "least to most"),
        rows,
    )


if __name__ == "__main__":
    main()
