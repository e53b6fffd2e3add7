"""What a training step and answers take for each way to share blocks: the times of Uni-Perceiver-MoE's table 3.

python bench/bench_routings.py
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from measure import in_turns, machine, ratio, write_table
from motet.core import Batch, Example, Task, TextPrediction
from motet.data.splits import texts_of
from motet.systems import build_system
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.training.run import Run

ROWS = 32


def study() -> ModuleType:
    """`studies/uni_perceiver_tables.py`, whose runs are measured."""
    path = Path(__file__).parents[1] / "studies" / "uni_perceiver_tables.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # the file is there
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(run: Run) -> UniPerceiver:
    """The system of a run, from scratch."""

    def texts() -> Iterator[str]:
        for source in run.of_role("train"):
            yield from texts_of(source)

    torch.manual_seed(0)
    system = build_system(run.system, run.tasks, texts=texts)
    assert isinstance(system, UniPerceiver)
    return system


def batches(run: Run, system: UniPerceiver, *, train: bool) -> list[Batch]:
    """A batch of each task, its images as the frozen encoder's features."""
    found = []
    for source in run.of_role("train" if train else "test"):
        (task,) = source.tasks
        rng = np.random.default_rng(0) if train else None
        rows = [source.reader[row] for row in range(ROWS)]
        found.append(with_features(system, rows, task, rng))
    return found


def with_features(system: UniPerceiver, rows: Sequence[Example], task: Task, rng: np.random.Generator | None) -> Batch:
    """Rows as a batch; of pairs without candidates both sides are needed, so they are asked as in training."""
    drawn = np.random.default_rng(0) if task.category == "retrieval" else rng
    batch = system.processor.collate([system.processor.row(row, [task], drawn) for row in rows], keep_annotations=False)
    with torch.no_grad():
        features = system.encode(batch.inputs["pixels"])
    return replace(batch, inputs={"features": features})


def step(system: UniPerceiver, sample: Sequence[Batch]) -> Callable[[], None]:
    """Forward and backward of a batch of each task."""

    def run() -> None:
        system.train()
        for batch in sample:
            system.zero_grad()
            losses = system.losses(batch)
            parts = [loss.total / loss.weight for loss in (*losses.tasks.values(), *losses.terms.values())]
            torch.autograd.backward(torch.stack([part for part in parts if part.requires_grad]).sum())

    return run


def answers(system: UniPerceiver, sample: Sequence[Batch]) -> Callable[[], None]:
    """A batch of names, of captions and of pairs, names and words encoded beforehand."""

    def run() -> None:
        system.eval()
        for batch in sample:
            (name,) = batch.targets
            if system.tasks[name].category == "retrieval":
                texts = Batch(batch.ids, {"ids": batch.targets[name].value["ids"][:, 0]}, {})
                system.score(name, system.side(batch, name, "images"), system.side(texts, name, "texts"))
            else:
                predictions = system.predict(batch)[name]
                assert all(not isinstance(one, TextPrediction) or one.log_prob <= 0 for one in predictions)

    return run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    table = study()
    runs = {name: table.cell(blocks) for name, blocks in table.WAYS.items()}
    systems = {name: built(run) for name, run in runs.items()}
    # The same pixels for all: one of them encodes.
    first = next(iter(systems))
    train, requested = (batches(runs[first], systems[first], train=train) for train in (True, False))
    steps = in_turns({name: step(system, train) for name, system in systems.items()}, repeats=args.repeats)
    answered = in_turns({name: answers(system, requested) for name, system in systems.items()}, repeats=args.repeats)
    rows = [
        (
            name,
            f"{sum(p.numel() for p in system.parameters() if p.requires_grad) / 1e6:.2f} M",
            str(steps[name]),
            f"{ratio(steps[name], steps[first])[0]:.2f}",
            str(answered[name]),
            f"{ratio(answered[name], answered[first])[0]:.2f}",
        )
        for name, system in systems.items()
    ]
    write_table(
        "bench_routings",
        "Seven ways to share blocks: what a step and answers take",
        [
            f"The models of `studies/uni_perceiver_tables.py`; a batch of {ROWS} rows of each of the four tasks, "
            f"features stored. Measured in turns, {args.repeats} times: median (least to most), and times the shared "
            f"blocks'. {machine()}.",
        ],
        ["", "trained parameters", "forward + backward", "times shared", "answers", "times shared"],
        rows,
    )


if __name__ == "__main__":
    main()
