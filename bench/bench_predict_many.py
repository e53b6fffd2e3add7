"""Many images for three tasks: one pass beside three passes and beside a loop written by hand.

python bench/bench_predict_many.py
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_serve import NAMES, photo
from measure import Goal, in_turns, machine, ratio, write_table
from motet.core import Task
from motet.core.model_folder import write_model
from motet.hub.predict import PredictionInput, Predictor, load
from motet.recipes.lit_decoder import small
from motet.systems import build_system
from motet.tasks import captioning, classification

TASKS = (classification("kind", NAMES), classification("number", ("1", "2", "3")), captioning("caption"))


def ways(predictor: Predictor, paths: list[Path], tasks: tuple[Task, ...]) -> dict[str, Callable[[], list[object]]]:
    """The ways to predict, by name; each returns all predictions."""
    names = [task.name for task in tasks]
    inputs = [PredictionInput(image=path) for path in paths]
    return {
        "one pass": lambda: [row.predictions[name] for row in predictor.many(names, inputs) for name in names],
        "three passes": lambda: [row.predictions[name] for name in names for row in predictor.many(name, inputs)],
        "a loop by hand": lambda: [predictor(name, path) for path in paths for name in names],
    }


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_model(folder / "model", build_system(small(), list(TASKS), texts=lambda: NAMES))
        paths = [folder / f"{number}.jpg" for number in range(arguments.images)]
        for number, path in enumerate(paths):
            path.write_bytes(photo(number % 50))
        predictor = load(folder / "model")
        found = ways(predictor, paths, TASKS)
        sorted_texts = {name: sorted(map(str, way())) for name, way in found.items()}
        alike = [
            sum(a == b for a, b in zip(sorted_texts["one pass"], other, strict=True)) / len(other)
            for other in sorted_texts.values()
        ]
        timings = in_turns(found, repeats=arguments.repeats)
    rows = []
    times_faster = dict[str, float]()
    for name, timing in timings.items():
        median, least, most = ratio(timing, timings["one pass"])
        times_faster[name] = median
        times = "" if name == "one pass" else f"{median:.2f} ({least:.2f} to {most:.2f})"
        rows.append((name, f"{timing.median:.1f}", f"{1e3 * timing.median / arguments.images:.1f}", times))
    write_table(
        "bench_predict_many",
        f"{arguments.images:,} images, three tasks",
        [
            "A LiT decoder of the demo's size, untrained: two tasks of classes and one of captions, which all ways "
            f"generate in full. JPEGs of 640 x 480 on disk; batches of 32. In turns, {arguments.repeats} times. "
            f"{machine()}. At least {100 * min(alike):.1f} % of the predictions are the same in all ways.",
        ],
        ("", "seconds", "ms per image", "one pass is faster by"),
        rows,
        [
            Goal("three tasks in one pass, times faster than three passes", times_faster["three passes"], at_least=1.3),
            Goal("many images, times faster than a loop by hand", times_faster["a loop by hand"], at_least=2.0),
        ],
    )


if __name__ == "__main__":
    main()
