"""Records what the small recipes compute, and checks that a change of the code left every bit of it as it was.

    python tests/support/record.py write FILE [--steps 30] [--recipes unit:tiny ...]
    python tests/support/record.py check FILE

Writes per recipe the loss of every step, a digest of the final weights and the numbers of the report. Equal bits can be
asked only of the same machine and the same versions of the libraries, so the file stays outside the repository.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor

from motet.config.recipe_files import load_recipe
from motet.core.model_folder import read_weights
from motet.training import fit
from motet.training.logging import RunLogger
from motet.training.run_training import run_training
from motet.training.step import StepMetrics

RECIPES = ("lit_decoder:tiny", "unit:tiny", "twelve_in_one:tiny", "vit_adapters:tiny", "uni_perceiver:tiny")
PHOTOS_STEPS = 30


class RecordingLogger(RunLogger):
    """A run's logger that also keeps the losses of every step."""

    losses: ClassVar[list[list[Any]]] = []

    def log_step(self, seen: StepMetrics, skipped: int) -> None:
        self.losses.append([seen.step, seen.mean, sorted(seen.loss.items()), seen.norm])
        super().log_step(seen, skipped)


def record(name: str, steps: int | None) -> dict[str, Any]:
    """Trains a recipe in a temporary folder and returns what it computed."""
    run = load_recipe(name)
    if steps is not None:
        run = dataclasses.replace(run, train=dataclasses.replace(run.train, steps=min(steps, run.train.steps)))
    RecordingLogger.losses = []
    with tempfile.TemporaryDirectory() as folder:
        report = run_training(run, Path(folder) / "run", show=False)
        # By value, not by name: a parameter may be renamed.
        tensors = sorted(_digest(weights) for weights in read_weights(Path(folder) / "run").values())
    return {
        "losses": RecordingLogger.losses,
        "weights": hashlib.blake2b("".join(tensors).encode(), digest_size=16).hexdigest(),
        "results": [[r.task, r.value, r.low, r.high, r.count, r.num_images] for r in report.results],
        "trivial": {task: sorted(values.values()) for task, values in report.trivial_baselines.items()},
    }


def _digest(weights: Tensor) -> str:
    return hashlib.blake2b(weights.contiguous().flatten().view(torch.uint8).numpy().tobytes()).hexdigest()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("write", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--steps", type=int)
    parser.add_argument(
        "--recipes", nargs="*", default=[*RECIPES, *(["lit_decoder:photos"] if os.environ.get("MOTET_DATA") else [])]
    )
    chosen = parser.parse_args(arguments)
    setattr(fit, "RunLogger", RecordingLogger)  # noqa: B010
    kept = json.loads(chosen.file.read_text()) if chosen.mode == "check" else {}
    different = 0
    for name in chosen.recipes if chosen.mode == "write" else kept:
        steps = kept[name]["steps"] if name in kept else PHOTOS_STEPS if name == "lit_decoder:photos" else chosen.steps
        found = {"steps": steps, **json.loads(json.dumps(record(name, steps)))}
        if chosen.mode == "write":
            kept[name] = found
            chosen.file.write_text(json.dumps(kept))
            print(f"{name}: recorded {len(found['losses'])} steps, weights {found['weights']}", flush=True)
            continue
        wrong = [key for key in found if json.dumps(found[key]) != json.dumps(kept[name][key])]
        different += bool(wrong)
        print(f"{name}: {'differs in ' + ', '.join(wrong) if wrong else 'equal to the bit'}", flush=True)
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
