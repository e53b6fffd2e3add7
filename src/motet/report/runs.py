"""Reading of run folders: `run.json`, `log.jsonl` and `report.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from motet.core import CheckpointError, Report
from motet.evaluation.intervals import Bootstrap
from motet.evaluation.predictions_io import read_lines

RUN, LOG, REPORT, BOOTSTRAPS = "run.json", "log.jsonl", "report.json", "bootstraps.jsonl"


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
    run, report = _json(folder / RUN), _json(folder / REPORT)
    for key in ("tasks", "seed", "data"):
        if key not in run:
            raise CheckpointError(f"{folder / RUN}: got the keys {sorted(run)}; want {key!r} among them")
    try:
        numbers = Report.from_dict(report)
    except (TypeError, KeyError) as error:
        raise CheckpointError(
            f"{folder / REPORT}: got the keys {sorted(report)}; want those of a motet report ({error})"
        ) from error
    return RunRecord(
        folder=folder,
        tasks=tuple(task if isinstance(task, str) else task["name"] for task in run["tasks"]),
        seed=int(run["seed"]),
        report=numbers,
        log=read_log(folder / LOG),
        data=dict(run["data"]),
        parameters=dict(run.get("parameters", {})),
        versions={str(name): str(version) for name, version in run.get("versions", {}).items()},
        credit=tuple(run.get("credit", ())),
        bootstraps=_bootstraps(folder / BOOTSTRAPS),
    )


def _bootstraps(path: Path) -> dict[str, Bootstrap]:
    if not path.is_file():
        return {}
    found = {}
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
        CheckpointError: the file is missing, or a line before the last is no JSON.
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


def _lines(path: Path) -> list[dict[str, Any]]:
    texts = _text(path).splitlines()
    lines: list[dict[str, Any]] = []
    for number, text in enumerate(texts):
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError as error:
            if number < len(texts) - 1:
                raise CheckpointError(
                    f"{path}: line {number + 1}: got {error.msg}; want one JSON object per line"
                ) from error
    return lines


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path}: got {error.msg} in line {error.lineno}; want JSON") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: got a JSON {type(data).__name__}; want a JSON object with named fields")
    return data


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{path}: got {error.strerror or error}; want the folder of a finished run") from error
