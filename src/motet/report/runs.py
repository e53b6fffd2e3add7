"""Reading of run folders: `run.json`, `log.jsonl` and `report.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import CheckpointError, Report
from motet.core.field_types import fits, wrong_field
from motet.core.plain_json import parse_json
from motet.core.regular_files import file_bytes
from motet.evaluation.intervals import Bootstrap
from motet.evaluation.predictions_io import read_lines
from motet.report.budget import BaselineBudget, read_budget

RUN, LOG, REPORT, BOOTSTRAPS = "run.json", "log.jsonl", "report.json", "bootstraps.jsonl"
_ENTRIES = {
    "step": int, "loss": dict[str, float], "rows": dict[str, int], "seconds": float, "aux": dict[str, float],
    "task_status": dict[str, str], "note": str,
}  # fmt: skip
_RESULT = {"task": str, "metric": str, "value": float}


@dataclass(frozen=True)
class Log:
    """The training log of a run.

    Args:
        losses: points (step, loss) by task.
        scores: points (step, value) by (task, metric) of the evaluations during training, main metrics only.
        samples_seen: number of training samples by source.
        seconds: of training time.
        task_status: by task the steps at which its status changed and the new status ("go", "stop", "wait"); only
            for schedules that change it.
        notes: remarks, in order.
        numbers: points (step, value) by name, of the auxiliary numbers that a system logs besides its losses.
    """

    losses: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], tuple[tuple[int, float], ...]] = field(default_factory=dict)
    samples_seen: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    task_status: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    numbers: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One finished run.

    Args:
        folder: of the run.
        tasks: names, in order.
        seed: of the training.
        report: its final numbers.
        log: of its training.
        data: by source what identifies its rows (fingerprint, count, images, role), and its tasks.
        parameters: numbers of parameters ("all", "trained").
        versions: of the packages it ran with, and the commit.
        credit: licence lines that must be shown with its images.
        bootstraps: by task that of its main metric over images; empty for a run without test rows.
        budget: of a single-task baseline: what it has in common with the multi-task run.
    """

    folder: Path
    tasks: tuple[str, ...]
    seed: int
    report: Report
    log: Log = field(default_factory=Log)
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    credit: tuple[str, ...] = ()
    bootstraps: Mapping[str, Bootstrap] = field(default_factory=dict)
    budget: BaselineBudget = field(default_factory=BaselineBudget)

    @property
    def name(self) -> str:
        """The folder's name, which tables show."""
        return self.folder.name


def read_run(folder: str | Path) -> RunRecord:
    """Reads a finished run.

    `run.json` must have "tasks", "seed" and "data"; "parameters", "versions" and "credit" may be missing.

    Raises:
        CheckpointError: the folder is no finished run, or a file in it cannot be read.
    """
    folder = Path(folder)
    run, report = _object(folder / RUN), _object(folder / REPORT)
    for key in ("tasks", "seed", "data"):
        if key not in run:
            raise CheckpointError(f"{folder / RUN}: got the keys {sorted(run)}; want {key!r} among them")
    try:
        numbers = Report.from_dict(report)
    except (TypeError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{folder / REPORT}: got the keys {sorted(report)}; want those of a motet report ({error})"
        ) from error
    try:
        fields = {
            "tasks": tuple(task if isinstance(task, str) else task["name"] for task in run["tasks"]),
            "seed": run["seed"],
            "data": run["data"],
            "parameters": run.get("parameters", {}),
            "versions": {name: str(version) for name, version in run.get("versions", {}).items()},
            "credit": tuple(run.get("credit", ())),
        }
    except (TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{folder / RUN}: got {_got(error)}; want the file that `motet train` wrote") from error
    if (name := wrong_field(RunRecord, fields)) is not None:
        got = f"{name}: {str(fields[name])[:60]!r}"
        raise CheckpointError(f"{folder / RUN}: got {got}; want the file that `motet train` wrote")
    log, drawn = read_log(folder / LOG), _bootstraps(folder / BOOTSTRAPS)
    budget = read_budget(folder)
    return RunRecord(folder=folder, report=numbers, log=log, bootstraps=drawn, budget=budget, **fields)


def _bootstraps(path: Path) -> dict[str, Bootstrap]:
    if not path.is_file():
        return {}
    found: dict[str, Bootstrap] = {}
    for place, line in enumerate(read_lines(path)):
        match line:
            case {"task": str() as task, "images": str() as images, "values": [_, *_] as values} if all(
                isinstance(value, int | float) for value in values
            ):
                found.setdefault(task, Bootstrap(np.asarray(values, dtype=np.float64), images))
            case _:
                raise CheckpointError(
                    f"{path}: line {place + 1}: got the keys {sorted(line)}; want a task, its images and numbers"
                )
    return found


def read_log(path: Path) -> Log:
    """Reads a log of steps, evaluations and remarks. An incomplete last line, left by a killed run, is skipped.

    Raises:
        CheckpointError: the file is missing, or a line before the last is no JSON or not one of a log.
    """
    losses: dict[str, list[tuple[int, float]]] = {}
    scores: dict[tuple[str, str], list[tuple[int, float]]] = {}
    task_status: dict[str, list[tuple[int, str]]] = {}
    samples: dict[str, int] = {}
    numbers: dict[str, list[tuple[int, float]]] = {}
    seconds, began, notes = 0.0, 0.0, list[str]()
    for line in _lines(path):
        if "loss" in line:
            for task, loss in line["loss"].items():
                losses.setdefault(task, []).append((line["step"], loss))
            for source, count in line.get("rows", {}).items():
                samples[source] = samples.get(source, 0) + count
            # The clock restarts when a run is resumed.
            now = float(line.get("seconds", 0.0))
            seconds, began = seconds + (now - began if now >= began else now), now
        for name, value in line.get("aux", {}).items():
            numbers.setdefault(name, []).append((line["step"], value))
        for result in line.get("results", ()):
            if result.get("main", True):
                scores.setdefault((result["task"], result["metric"]), []).append((line["step"], result["value"]))
        for task, status in line.get("task_status", {}).items():
            task_status.setdefault(task, []).append((line["step"], status))
        if "note" in line:
            notes.append(line["note"])
    return Log(
        {task: tuple(points) for task, points in losses.items()},
        {key: tuple(points) for key, points in scores.items()},
        samples,
        seconds,
        {task: tuple(changes) for task, changes in task_status.items()},
        tuple(notes),
        {name: tuple(points) for name, points in numbers.items()},
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    texts = _read(path).splitlines()
    for number, text in enumerate(texts, start=1):
        try:
            line = parse_json(text, halves=True)
        except ValueError as error:
            if number < len(texts):
                raise CheckpointError(f"{path}: line {number}: got {error}, one object per line") from error
            continue
        if not isinstance(line, dict):
            raise CheckpointError(f"{path}: line {number}: got a JSON {type(line).__name__}; want one object per line")
        if (name := _wrong_entry(line)) is not None:
            got = f"{name}: {str(line.get(name))[:60]!r}"
            raise CheckpointError(f"{path}: line {number}: got {got}; want a line that `motet train` wrote")
        yield line


def _wrong_entry(line: Mapping[str, Any]) -> str | None:
    """Returns the name of an entry of a log's line that is missing or of another type; None where all are right."""
    if "note" not in line and "step" not in line:
        return "step"
    results = line.get("results", [])
    if not isinstance(results, list) or not all(
        isinstance(one, dict) and _RESULT.keys() <= one.keys() for one in results
    ):
        return "results"
    if not all(fits(one[name], hint) for one in results for name, hint in _RESULT.items()):
        return "results"
    return next((name for name, hint in _ENTRIES.items() if name in line and not fits(line[name], hint)), None)


def _object(path: Path) -> dict[str, Any]:
    try:
        data = parse_json(_read(path), halves=True)
    except ValueError as error:
        raise CheckpointError(f"{path}: got {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: got a JSON {type(data).__name__}; want a JSON object with named fields")
    return data


def _read(path: Path) -> bytes:
    try:
        return file_bytes(path)
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror or error}; want the folder of a finished run") from error


def _got(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
