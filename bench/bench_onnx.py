"""ONNX exports beside PyTorch, on one thread: equal answers, speed, size, and what 8 bits cost.

python bench/bench_onnx.py RUN...            runs of any systems, as `motet train` writes them
python bench/bench_onnx.py RUN... --int8 RUN...  and the loss in score on those runs' test rows (minutes)
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from measure import in_turns, machine, ratio, write_table
from motet.core import Batch, BoxSet, ClassPrediction, DenseMap, Prediction, System, TextPrediction
from motet.evaluation.retrieval import is_ranked
from motet.hub import load_system
from motet.hub.exported import load_onnx, measured_losses, write_onnx
from motet.training.run_data import saved_sources

ROWS, REPEATS = 32, 7


def batches(run: Path, system: System, exported: System) -> list[Batch]:
    """The first test rows of each source of a run, for the tasks that are exported."""
    found = []
    for source in saved_sources(run, "test"):
        tasks = [t for t in source.tasks if t.name in exported.tasks and not is_ranked(t, source.reader)]
        if tasks:
            rows = [system.processor.row(source.reader[i], tasks, None) for i in range(min(ROWS, len(source.reader)))]
            found.append(system.processor.collate(rows, keep_annotations=False))
    return found


def difference(one: Prediction, other: Prediction) -> float:
    """The largest difference of two predictions' numbers: log-probabilities, probabilities, pixels of boxes, values."""
    match one, other:
        case TextPrediction(), TextPrediction():
            return abs(one.log_prob - other.log_prob)
        case ClassPrediction(), ClassPrediction():
            finite = np.isfinite(one.scores)
            return float(np.abs(np.asarray(one.scores)[finite] - np.asarray(other.scores)[finite]).max(initial=0))
        case BoxSet(), BoxSet():
            boxes = np.abs(one.boxes_xyxy - other.boxes_xyxy).max(initial=0)
            return float(max(boxes, np.abs(one.scores - other.scores).max(initial=0)))
        case DenseMap(), DenseMap() if one.values.dtype.kind == "f":
            return float(np.nanmax(np.abs(one.values - other.values)))
    return 0.0


def same(one: Prediction, other: Prediction) -> bool:
    """Whether two predictions have the same words, class, labels or classes of pixels."""
    match one, other:
        case TextPrediction(), TextPrediction():
            return one.text == other.text
        case ClassPrediction(), ClassPrediction():
            return one.index == other.index
        case BoxSet(), BoxSet():
            return one.labels.tolist() == other.labels.tolist()
        case DenseMap(), DenseMap() if one.values.dtype.kind != "f":
            return bool((one.values == other.values).all())
    return True


def exported_to(folder: Path, system: System, *, int8: bool) -> Path:
    """The folder of an export, which is made unless an earlier call left one there."""
    if not folder.is_dir():
        write_onnx(system, folder, int8=int8)
    return folder


def compared(run: Path, folder: Path) -> tuple[list[object], Mapping[str, str]]:
    """A row of the table, and the tasks that are not exported."""
    system = load_system(run)
    exported = load_onnx(exported_to(folder, system, int8=False))
    inputs = batches(run, system, exported)
    pairs = []
    with torch.inference_mode():
        for batch in inputs:
            before, after = system.predict(batch), exported.predict(batch)
            pairs += [pair for name in before for pair in zip(before[name], after[name], strict=True)]
        times = in_turns(
            {
                "torch": lambda: [system.predict(batch) for batch in inputs],
                "onnx": lambda: [exported.predict(batch) for batch in inputs],
            },
            repeats=REPEATS,
        )
    worst, alike = max(difference(*pair) for pair in pairs), sum(same(*pair) for pair in pairs)
    row = [
        type(system).__name__,
        len(exported.tasks),
        len(list(folder.glob("*.onnx"))),
        f"{worst:.1e}",
        f"{alike} of {len(pairs)}",
        f"{ratio(times['torch'], times['onnx'])[0]:.1f}",
        f"{sum(p.numel() * 4 for p in (*system.parameters(), *system.buffers())) / 1e6:.1f}",
        f"{megabytes(folder):.1f}",
    ]
    return row, exported.left_out


def megabytes(folder: Path) -> float:
    """The size of an export."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def int8_note(run: Path, folder: Path) -> str:
    """What 8 bits cost a run: each task's score before and after."""
    system = load_system(run)
    losses = measured_losses(run, system, load_onnx(exported_to(folder, system, int8=True)))
    scores = ", ".join(
        f"{one.task} {one.metric} {one.before:.1f} to {one.after:.1f} ({one.rows} rows)" for one in losses
    )
    return f"With 8-bit matrices (convolutions stay in 32 bits) {run.name} has {megabytes(folder):.1f} MB: {scores}."


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--int8", type=Path, nargs="*", default=[], help="runs whose loss by 8 bits is measured")
    parser.add_argument("--exports", type=Path, help="where exports are kept; earlier ones are taken; by default none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, notes = [], [f"{machine()}. Batches of {ROWS} test rows per source, median of {REPEATS}; runs of `tiny`."]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.exports or Path(temporary)
        for run in options.runs:
            row, left_out = compared(run, folder / run.name)
            rows.append(row)
            notes += [f"Not exported: {run.name}, {task}: {reason}." for task, reason in left_out.items()]
        notes += [int8_note(run, folder / f"{run.name}_int8") for run in options.int8]
    columns = ["system", "tasks", "graphs", "largest difference", "same answers", "times as fast", "MB before", "after"]
    write_table("bench_onnx", "ONNX exports beside PyTorch", notes, columns, rows)


if __name__ == "__main__":
    main()
