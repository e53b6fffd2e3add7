"""Four, twenty and a hundred tasks: the start, a step of the same four tasks, the checkpoint and the report page.

python bench/bench_many_tasks.py
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench_round_robin import Held
from measure import Goal, Timing, machine, write_table
from motet.core import Example
from motet.data.sampling_rates import FixedRates
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.experiments.api import train
from motet.recipes.lit_decoder import small
from motet.scenes import Scenes
from motet.tasks import classification
from motet.training.config import TrainConfig
from motet.training.optim import AdamW
from motet.training.run import Run

IMAGES, DRAWN, TESTS = 64, 4, 16
NEVER = 1e-9  # a sampling rate so small that no row of the task is drawn


@dataclass(frozen=True)
class Measured:
    """One run: seconds until step 1, of each step, and bytes of what it leaves."""

    start: float
    steps: tuple[float, ...]
    checkpoint: int
    page: int


def measured(
    rows: Sequence[Example], tests: Sequence[Example], names: tuple[str, ...], tasks: int, steps: int
) -> Measured:
    """Trains so many tasks, of which the first four are drawn."""
    own = [replace(classification(f"task{place:03}", names), label="class") for place in range(tasks)]
    sources = [Source(name=task.name, reader=Held(tuple(rows)), tasks=(task,)) for task in own]
    sources += [Source(name=f"{task.name}/test", reader=Held(tuple(tests)), tasks=(task,), role="test") for task in own]
    rates = FixedRates({task.name: 1.0 if place < DRAWN else NEVER for place, task in enumerate(own)})
    run = Run(
        system=small(),
        sources=tuple(sources),
        schedule=Mixed(rates=rates, batch_size=16),
        train=TrainConfig(steps=steps, lr=1e-4, optimizer=AdamW(), seed=0),
    )
    with tempfile.TemporaryDirectory() as made:
        folder, began = Path(made) / "run", time.time()
        train(run, folder)
        lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        seconds = [line["seconds"] for line in lines if "rows_per_second" in line]
        first = next(path for path in folder.iterdir() if path.name.startswith("step-"))
        weights = sum(path.stat().st_size for path in first.rglob("*") if path.is_file())
        took = tuple(b - a for a, b in itertools.pairwise(seconds))
        whole = (folder / "run.json").stat().st_mtime - began
        return Measured(whole, took, weights, (folder / "report.html").stat().st_size)


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[DRAWN, 20, 100])
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    scenes = Scenes(part="train", count=IMAGES + TESTS, kinds=20)
    examples = tuple(scenes[index] for index in range(len(scenes)))
    found = {
        tasks: measured(examples[:IMAGES], examples[IMAGES:], scenes.names, tasks, arguments.steps)
        for tasks in arguments.tasks
    }
    first = found[arguments.tasks[0]]
    steps = {tasks: Timing(one.steps[5:]) for tasks, one in found.items()}
    rows, goals = [], []
    for tasks, one in found.items():
        slower = steps[tasks].median / steps[arguments.tasks[0]].median
        rows.append(
            (
                tasks,
                f"{one.start:.1f} s",
                steps[tasks],
                f"{slower:.2f}",
                f"{one.checkpoint / 1e6:.1f} MB",
                f"{(one.checkpoint - first.checkpoint) / max(tasks - arguments.tasks[0], 1) / 1e3:.0f} kB",
                f"{one.page / 1e6:.1f} MB",
            )
        )
        if tasks != arguments.tasks[0]:
            goals.append(Goal(f"a step of four tasks out of {tasks}, of one out of four", slower, at_most=1.05))
    write_table(
        "bench_many_tasks",
        "Many tasks",
        [
            f"A LiT decoder of the demo's size; of so many tasks of {len(scenes.names)} classes each step trains the "
            f"first {DRAWN}, 16 rows in all. {TESTS} test images per task. {machine()}.",
        ],
        ("tasks", "until step 1", "a step", "of the first", "checkpoint", "more per task", "report page"),
        rows,
        goals,
    )


if __name__ == "__main__":
    main()
