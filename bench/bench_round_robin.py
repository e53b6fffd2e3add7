"""An iteration of the round robin, an update for each task, against the sum of the same tasks' single steps.

python bench/bench_round_robin.py
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from measure import Goal, Timing, in_turns, machine, ratio, write_table
from motet.core import Example, System
from motet.data.features import FeatureFiles, images_in
from motet.data.mixture import Mixture
from motet.data.round_robin import RoundRobin
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.splits import texts_of
from motet.data.stop_and_go import StopAndGo
from motet.recipes.lit_decoder import small
from motet.scenes import Scenes
from motet.scenes.tasks import largest_thing, scene_caption
from motet.systems import build_system
from motet.training.config import TrainConfig
from motet.training.fit import fit
from motet.training.optim import HfAdamW, LinearDecay

IMAGES = 128


@dataclass(frozen=True)
class Held:
    """Rows that lie ready in memory, so that a step is timed and not the drawing of scenes."""

    rows: tuple[Example, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def keys(self, index: int) -> tuple[str, ...]:
        return self.rows[index].image_ids

    def __getitem__(self, index: int) -> Example:
        return self.rows[index]


class World:
    """One model for two tasks with stored features.

    Args:
        folder: for features and run folders.
        rows: of each task's batch.
        iterations: of each run.
    """

    def __init__(self, folder: Path, rows: int, iterations: int) -> None:
        self.folder, self.rows, self.iterations = folder, rows, iterations
        scenes = Scenes(part="train", count=IMAGES, kinds=20)
        tasks = (largest_thing(scenes.names), scene_caption())
        examples = tuple(
            replace(example, labels={task.label: example.labels[task.label] for task in tasks})
            for example in (scenes[index] for index in range(len(scenes)))
        )
        self.sources = tuple(Source(name=task.name, reader=Held(examples), tasks=(task,)) for task in tasks)
        texts = [text for source in self.sources for text in texts_of(source)]
        torch.manual_seed(0)
        self.system: System = build_system(small(), tasks, texts=lambda: texts)
        store = FeatureFiles.fill(self.system, images_in(self.sources), folder / "features")
        self.system.processor = self.system.processor.with_features(store)
        self.first = {name: tensor.clone() for name, tensor in self.system.state_dict().items()}

    def seconds(self, sources: Sequence[Source], schedule: RoundRobin | Mixed) -> float:
        """Of the steps of a run over some sources: from the first call for losses to the last, but for the first."""
        self.system.load_state_dict(self.first)
        stamps: list[float] = []
        losses = self.system.losses

        def stamped(batch: object) -> object:
            stamps.append(time.perf_counter())
            return losses(batch)

        self.system.losses = stamped
        optimizer = HfAdamW(eps=1e-6, correct_bias=False, move_unused=True)
        plan = TrainConfig(steps=self.iterations, lr=1e-4, optimizer=optimizer, lr_schedule=LinearDecay(warmup=0.1))
        mixture = Mixture(sources, schedule.bind(sources, seed=0), seed=0)
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                fit(self.system, mixture, plan, folder=folder, show=False, evaluate_at_end=False)
        finally:
            del self.system.losses
        calls = len(stamps) // self.iterations
        return stamps[-calls] - stamps[calls]

    def together(self) -> float:
        """All tasks in every iteration, an update each."""
        return self.seconds(self.sources, RoundRobin(batch_size=self.rows, stop=StopAndGo()))

    def apart(self) -> float:
        """As many steps of each task by itself, one run after the other."""
        return sum(self.seconds([source], Mixed(batch_size=self.rows)) for source in self.sources)


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--iterations", type=int, default=22)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), arguments.rows, arguments.iterations)
        taken: dict[str, list[float]] = {"together": [], "apart": []}
        parts = {name: partial(_append, taken[name], getattr(world, name)) for name in taken}
        in_turns(parts, repeats=arguments.repeats)
    counted = arguments.iterations - 2
    timings = {name: Timing(tuple(s / counted for s in seconds[1:])) for name, seconds in taken.items()}
    median, least, most = ratio(timings["together"], timings["apart"])
    write_table(
        "bench_round_robin",
        "An iteration of the round robin against its tasks' single steps",
        [
            machine(),
            f"Two tasks of the small LiT decoder, {arguments.rows} rows each, stored features; in one iteration both "
            "have an update of their own. At most 1.03 is required.",
        ],
        ("iteration", "single steps, added", "ratio (least to most)"),
        [(timings["together"], timings["apart"], f"{median:.3f} ({least:.3f} to {most:.3f})")],
        [Goal("an iteration of the round robin, of its single steps", median, at_most=1.03)],
    )


def _append(taken: list[float], measured: Callable[[], float]) -> None:
    taken.append(measured())


if __name__ == "__main__":
    main()
