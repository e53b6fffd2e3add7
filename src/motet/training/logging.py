"""The log of a run: `log.jsonl`, TensorBoard and a live line on the terminal; rank 0 writes."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from motet.core import Report, decimals
from motet.core.printable import printable
from motet.core.ranks import rank
from motet.core.regular_files import file_size
from motet.training.errors import TrainingError
from motet.training.scalar_board import ScalarBoard
from motet.training.step import StepMetrics
from motet.training.trackers import Tracker

LOG = "log.jsonl"
_LINES = 1000
_PLAIN_LINE_SECONDS = 10.0
_PLAIN = ("mean_loss", "lr", "grad_norm", "rows_per_second", "memory_mb")


class RunLogger:
    """Writes the metrics of steps, reports, task status and notes.

    A run of more than a thousand steps gets one line per several steps, with their means and the sum of their rows.

    Args:
        folder: of the run.
        steps: number of steps of the run.
        start: the step that the run continues from.
        log_bytes: length of the earlier log that is kept; the steps after it run again.
        show: whether to show a live line on the terminal (plain lines if stderr is not a terminal).
        trackers: get the same numbers by ``task/metric``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        steps: int,
        start: int,
        log_bytes: int,
        show: bool,
        trackers: Sequence[Tracker] = (),
    ) -> None:
        self.folder, self.steps, self.every = folder, steps, max(1, steps // _LINES)
        self.is_lead, self._pending, self._started_at = rank() == 0, list[StepMetrics](), time.monotonic()
        self._line_started_at, self._trackers = self._started_at, tuple(trackers)
        if not self.is_lead:
            return
        with contextlib.ExitStack() as opened:  # a file that is open already is closed if the next cannot be
            try:
                if (folder / LOG).exists():
                    file_size(folder / LOG)  # opening a pipe would wait for its other end
                self._log = opened.enter_context((folder / LOG).open("ab", buffering=0))
                self._log.truncate(log_bytes)
                self._log.seek(log_bytes)
                self._board = opened.enter_context(contextlib.closing(ScalarBoard(folder / "tensorboard")))
                # The log is the truth: what it kept is written anew, so that TensorBoard has one file per run.
                for values, step in _logged_scalars(folder / LOG):
                    self._board.add(values, step)
                self._board.remove_earlier()
            except OSError as error:
                raise _cannot_write(folder, error) from error
            opened.pop_all()
        self._console = _Console(steps, start) if show else None

    def __enter__(self) -> RunLogger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.is_lead:
            return
        if self._console is not None:
            self._console.close()
        for part in (self._log, self._board):
            with contextlib.suppress(OSError):  # a full disk has been reported by the write that failed
                part.close()

    @property
    def log_bytes(self) -> int:
        """The length of the log in bytes; part of a checkpoint."""
        return self._log.tell() if self.is_lead else 0

    def log_step(self, metrics: StepMetrics, skipped: int) -> None:
        """Logs the metrics of one step."""
        if not self.is_lead:
            return
        self._pending.append(metrics)
        if metrics.step % self.every == 0 or metrics.step == self.steps:
            self.flush(skipped)

    def flush(self, skipped: int) -> None:
        """Writes one line for the steps since the last line."""
        if not self.is_lead or not self._pending:
            return
        now = time.monotonic()
        line = _line(self._pending, now - self._line_started_at)
        line |= {"seconds": round(now - self._started_at, 3), "memory_mb": round(_memory_mb(), 1)}
        if skipped:
            line["skipped"] = skipped
        self._line_started_at, self._pending = now, []
        self._write(line)
        self._draw(_scalars(line), line["step"])
        self._track(line, line["step"])
        if self._console is not None:
            self._console.step(line)

    def log_report(self, report: Report) -> None:
        """Logs the results of an evaluation."""
        if not self.is_lead:
            return
        results = [
            {"task": r.task, "source": r.source, "metric": r.metric, "value": r.value, "count": r.count, "main": r.main}
            for r in report.results
        ]
        line = {"step": report.step, "role": report.role, "results": results}
        self._write(line)
        self._draw(_scores(line), report.step)
        self._track(line, report.step)
        if self._console is not None:
            self._console.evaluated(report)
        self._line_started_at = time.monotonic()  # so that rows per second count training only

    def log_task_status(self, step: int, changed: Mapping[str, str]) -> None:
        """Logs the tasks whose status changed after a step.

        The first such line, at step 0, has the status of all tasks.
        """
        if not self.is_lead:
            return
        self._write({"step": step, "task_status": dict(changed)})
        if self._console is not None and step:
            self._console.print_line(f"step {step}  " + "  ".join(f"{task}: {word}" for task, word in changed.items()))

    def note(self, text: str, *, show: bool = True) -> None:
        """Writes a note to the log and, with `show`, to the terminal: a stop, unmatched names, a skipped row."""
        if not self.is_lead:
            return
        self._write({"note": text})
        if show and self._console is not None:
            self._console.print_line(text)

    def _track(self, line: Mapping[str, Any], step: int) -> None:
        for tracker in self._trackers:
            tracker.add(tracked_values(line), step)

    def _draw(self, values: Iterable[tuple[str, float]], step: int) -> None:
        try:
            self._board.add(values, step)
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            data = printable(json.dumps(line, ensure_ascii=False)).encode() + b"\n"
            if self._log.write(data) != len(data):  # what a disk does that has room for half a line
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise _cannot_write(self.folder, error) from error


class _Console:
    """A progress bar on a terminal; elsewhere one line per ten seconds."""

    def __init__(self, steps: int, start: int) -> None:
        self.console = Console(stderr=True)
        self.steps, self._last = steps, -math.inf
        self.progress: Progress | None = None
        self.bar = TaskID(0)
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn("step"),
                MofNCompleteColumn(),
                BarColumn(bar_width=20),
                TimeRemainingColumn(),
                TextColumn("{task.description}", markup=False),
                console=self.console,
            )
            self.bar = self.progress.add_task("", total=steps, completed=start)
            self.progress.start()

    def step(self, line: Mapping[str, Any]) -> None:
        tasks = "  ".join(f"{name} {value:.3f}" for name, value in line["loss"].items())
        text = f"loss {line['mean_loss']:.3f}  {tasks}  {line['rows_per_second']:.0f} rows/s"
        if self.progress is not None:
            self.progress.update(self.bar, completed=line["step"], description=printable(text))
        elif line["seconds"] - self._last >= _PLAIN_LINE_SECONDS or line["step"] == self.steps:
            self._last = line["seconds"]
            self.print_line(f"step {line['step']}/{self.steps}  {text}")

    def evaluated(self, report: Report) -> None:
        results = "  ".join(
            f"{r.task} {r.metric} {r.value:.{decimals(r.unit)}f}{r.unit}" for r in report.results if r.main
        )
        self.print_line(f"step {report.step}  {report.role}  {results}")

    def print_line(self, text: str) -> None:
        self.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self.progress is not None:
            self.progress.stop()


def _line(pending: list[StepMetrics], seconds: float) -> dict[str, Any]:
    losses: dict[str, list[float]] = {}
    rows: dict[str, int] = {}
    for metrics in pending:
        for name, loss in metrics.loss.items():
            losses.setdefault(name, []).append(loss)
        for name, count in metrics.rows.items():
            rows[name] = rows.get(name, 0) + count
    means = [metrics.mean for metrics in pending if not math.isnan(metrics.mean)]
    line = {
        "step": pending[-1].step,
        "mean_loss": round(sum(means) / len(means), 6) if means else 0.0,
        "loss": {name: round(sum(values) / len(values), 6) for name, values in losses.items()},
        "rows": {name: count for name, count in rows.items() if count},
        "lr": pending[-1].lr,
        "grad_norm": round(pending[-1].norm, 6),
        "rows_per_second": round(sum(rows.values()) / max(seconds, 1e-9), 1),
    }
    if pending[-1].aux:
        line["aux"] = {name: value for name, value in pending[-1].aux.items() if math.isfinite(value)}
    return line


def _scalars(line: Mapping[str, Any]) -> list[tuple[str, float]]:
    nested = [(f"{group}/{name}", value) for group in ("loss", "aux") for name, value in line.get(group, {}).items()]
    return [*((name, line[name]) for name in _PLAIN), *nested]


def _scores(line: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(f"{line['role']}/{one['source']}/{one['metric']}", one["value"]) for one in line["results"]]


def _logged_scalars(path: Path) -> Iterator[tuple[list[tuple[str, float]], int]]:
    """Yields the scalars of a log, line by line, with their steps."""
    with path.open("rb") as file:
        for data in file:
            try:
                line = json.loads(data)
                if "results" in line:
                    found = _scores(line), int(line["step"])
                elif "mean_loss" in line:
                    found = _scalars(line), int(line["step"])
                else:
                    continue
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                continue  # a line that someone has damaged is missing from the plots, and stops no run
            yield found


def tracked_values(line: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers of a line of the log as trackers name them: ``task/loss``, ``task/val_accuracy``.

    Examples:
        >>> tracked_values({"step": 1, "mean_loss": 2.0, "loss": {"vqa": 2.0}, "lr": 0.1, "grad_norm": 1.0})
        {'mean_loss': 2.0, 'lr': 0.1, 'grad_norm': 1.0, 'vqa/loss': 2.0}
    """
    if "results" not in line:
        plain = {name: float(line[name]) for name in _PLAIN if name in line}
        return plain | {f"{task}/loss": value for task, value in line.get("loss", {}).items()}
    names = [f"{one['task']}/{line['role']}_{one['metric']}" for one in line["results"]]
    # A task with several sources has a score of each.
    return {
        name if names.count(name) == 1 else f"{name}/{one['source']}": float(one["value"])
        for name, one in zip(names, line["results"], strict=True)
    }


def _memory_mb() -> float:
    """Returns the peak memory so far: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _cannot_write(folder: Path, error: OSError) -> TrainingError:
    return TrainingError(f"log in {folder}: got {error.strerror or error}; want a folder with room that can be written")
