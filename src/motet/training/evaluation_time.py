"""The time that the evaluations of a run take, measured on some of its rows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Literal

from motet.core import System
from motet.data.source import Source
from motet.data.splits import Subset
from motet.evaluation import evaluate
from motet.evaluation.readable_rows import readable_sources
from motet.training.run import Run

_FEW, _SOME = 8, 40  # rows of a source: two numbers, since a metric also takes time that no row adds to
# Over the test rows: the scores, those on images of other rows, and about as much again for the other trivial baselines
# (measured: 2.3 times the scores for all of them, on the tiny UniT).
_TEST_PASSES = 3
_GENERATION = 4  # token after token, the text of a row takes longer than its training step


def evaluation_seconds(run: Run, system: System, stored_seconds: Callable[[], float]) -> float:
    """Returns the seconds of all evaluations of a run: of val rows during training, of test rows at the end.

    Args:
        run: the run.
        system: of the run, on its device; untrained, so that an answer may take longer than later.
        stored_seconds: the seconds spent so far on encoding images whose features will be stored; they are left out.
    """
    was_training = system.training
    system.eval()
    total = 0.0
    for role, number in _passes(run).items():
        for source in run.sources:
            if source.role == role and len(source.reader):
                total += number * _seconds(run, system, source, stored_seconds)
    system.train(was_training)
    return total


def evaluation_bound(run: Run, row_seconds: float) -> float:
    """Returns seconds that all evaluations of a run hardly exceed, from those of one row of a training step."""
    rows = sum(number * len(source.reader) for role, number in _passes(run).items() for source in run.sources
               if source.role == role)  # fmt: skip
    return _GENERATION * rows * row_seconds


def _passes(run: Run) -> dict[str, int]:
    """Returns how often the rows of each role are evaluated."""
    every, steps = run.train.evaluate_every, run.train.steps
    during = len(range(every, steps, every)) if every else 0
    start = 1 if run.train.final_weights == "best" else 0
    return {"val": start + during + 1, "test": _TEST_PASSES}


def _seconds(run: Run, system: System, source: Source, stored_seconds: Callable[[], float]) -> float:
    """Returns the seconds in which a source is evaluated once: a straight line through two measurements."""
    rows = len(source.reader)
    role: Literal["val", "test"] = "test" if source.role == "test" else "val"
    few, some = min(_FEW, rows), min(_SOME, rows)

    def measure(count: int) -> float:
        part = dataclasses.replace(source, reader=Subset(source.reader, tuple(range(count))))
        parts, _ = readable_sources([part], system.processor, run.train.on_bad_row)
        started, stored = time.perf_counter(), stored_seconds()
        evaluate(system, parts, batch_size=64, role=role, interval=role == "test")
        return time.perf_counter() - started - (stored_seconds() - stored)

    measure(few)  # the first one also loads and allocates
    first, second = measure(few), measure(some)
    if some == rows:
        return second
    return second + max(0.0, (second - first) / max(1, some - few)) * (rows - some)
