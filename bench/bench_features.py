"""An epoch with stored features against encoding every image every time.

python bench/bench_features.py
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from measure import Goal, in_turns, machine, peak_mib, ratio, write_table
from motet.core import System
from motet.data.features import FeatureFiles, images_in
from motet.data.loader import Loader
from motet.data.mixture import Mixture
from motet.data.schedules import Mixed
from motet.data.source import Source
from motet.data.splits import texts_of
from motet.recipes.lit_decoder import small
from motet.scenes import Scenes
from motet.scenes.tasks import largest_thing
from motet.systems import build_system
from motet.training.balancers import RowMean
from motet.training.config import TrainConfig
from motet.training.step import TrainStep

IMAGES, ROWS, SIZE, WIDTH = 256, 64, 128, 128


def source() -> Source:
    scenes = Scenes(part="train", count=IMAGES, kinds=20)
    return Source(name="scenes", reader=scenes, tasks=(largest_thing(scenes.names),))


def system_for(rows: Source) -> System:
    torch.manual_seed(0)
    built = build_system(small(width=WIDTH, image_size=SIZE, pieces=500), rows.tasks, texts=lambda: texts_of(rows))
    return built.train()


def epoch(system: System, rows: Source) -> None:
    """Every image once: read, encoded or looked up, and learned from."""
    plan = TrainConfig(steps=IMAGES // ROWS)
    optimizer = plan.optimizer.build(system.parameter_groups(), lr=1e-3, weight_decay=1e-4)
    updater = TrainStep(system, optimizer, RowMean(), plan, torch.device("cpu"))
    mixture = Mixture((rows,), Mixed(batch_size=ROWS).bind((rows,), seed=0), seed=0)
    for ready in Loader(mixture, system.processor).segment(0, plan.steps):
        mixture.consumed = dict(ready.planned.consumed)
        updater.update(ready.index, 0, list(ready.batches[0]), False)


def prepared(name: str, folder: str) -> Callable[[], object]:
    rows = source()
    system = system_for(rows)
    if name == "stored":
        store = FeatureFiles.fill(system, images_in([rows]), folder)
        system.processor = system.processor.with_features(store)
    return partial(epoch, system, rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = ("stored", "encoded every time")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        parts = {"stored": prepared("stored", folder)}
        filled = time.perf_counter() - start
        parts[names[1]] = prepared(names[1], folder)
        times = in_turns(parts, repeats=args.repeats)
        peaks = {name: peak_mib(prepared, name, folder) for name in names}
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20
    faster = ratio(times["encoded every time"], times["stored"])
    notes = [
        f"One epoch over {IMAGES} scenes in steps of {ROWS}: EfficientNet-Lite0 at {SIZE} x {SIZE}, frozen, and a "
        f"decoder of 2 layers, width {WIDTH}. {args.repeats} epochs of each in turns: median (least to most). "
        f"{machine()}.",
        f"With stored features an epoch is {faster[0]:.2f} times faster ({faster[1]:.2f} to {faster[2]:.2f} over the "
        f"turns); 5 is required. Storing them took {filled:.1f} s once, with building the model, and {size:.1f} MiB "
        "of disk. A scene is drawn each time its image is read, which takes the place of decoding a file.",
    ]
    rows = [(name, str(times[name]), f"{IMAGES / times[name].median:.0f}", f"{peaks[name]:.0f}") for name in names]
    goals = [Goal("an epoch with stored features, times faster", faster[0], at_least=5.0)]
    columns = ["features", "an epoch", "rows/s", "peak memory, MiB"]
    write_table("bench_features", "An epoch with stored features", notes, columns, rows, goals)


if __name__ == "__main__":
    main()
