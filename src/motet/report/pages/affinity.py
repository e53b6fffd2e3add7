"""What tasks take from each other in the ViT adapters, at the end and over training: a page, tables, a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from motet.core import CheckpointError, DataError
from motet.core.model_folder import WEIGHTS, step_folder, steps_in
from motet.report import tables
from motet.report.heat import HeatCell, HeatTable, heat
from motet.report.html import DrawFigure, document, html_table, plot
from motet.report.plots import curves, png
from motet.report.runs import LOG, read_log

BUFFER = "affinities"
"""The name of the saved matrix: row t says what task t takes from each task, and sums to 1."""
LABEL = "row: what a task takes from each task; rows sum to 1"
_SHOWN = 6

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Affinities:
    """The matrices of one run.

    Args:
        tasks: in order.
        saved: by step of a saved model, ascending; at least one.
        logged: by (task, other) points (step, value) of the log; empty where no log has them.
    """

    tasks: tuple[str, ...]
    saved: Mapping[int, Matrix]
    logged: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]

    @property
    def last(self) -> Matrix:
        """At the end."""
        return self.saved[max(self.saved)]


def read_affinities(folder: Path, tasks: tuple[str, ...]) -> Affinities:
    """The affinities that a run has saved and logged.

    Args:
        folder: of a run.
        tasks: of the run, in order.

    Raises:
        CheckpointError: no saved model, a damaged one, or one of a system without task affinities.
    """
    steps = steps_in(folder)
    if not steps:
        raise CheckpointError(f"affinity: {folder}: got no step-...; want a run of the ViT adapters with a saved model")
    saved = {step: _matrix(step_folder(folder, step)) for step in steps}
    if len(saved[steps[-1]]) != len(tasks):
        raise CheckpointError(
            f"affinity: {folder}: got a matrix of {len(saved[steps[-1]])} tasks; want {len(tasks)}: {', '.join(tasks)}"
        )
    log = read_log(folder / LOG).numbers if (folder / LOG).exists() else {}
    pairs = {(to, of): log.get(f"affinity/{to}/{of}", ()) for to in tasks for of in tasks}
    return Affinities(tasks, saved, {pair: points for pair, points in pairs.items() if points})


def write_affinity(folder: Path, found: Affinities, *, title: str) -> tuple[Path, ...]:
    """Writes `affinity.html`, `.md`, `.json` and `.png`.

    Args:
        folder: gets them.
        found: of one run.
        title: the run's name.

    Raises:
        DataError: a folder that cannot be written.
    """
    held = json.dumps(affinity_to_json(found), indent=1, ensure_ascii=False)
    files = {
        "affinity.html": page(found, title).encode(),
        "affinity.md": f"# Task affinities: {title}\n\n{LABEL[0].upper()}{LABEL[1:]}.\n\n"
        f"{tables.table(*table_rows(found))}\n".encode(),
        "affinity.json": f"{held}\n".encode(),
        "affinity.png": png(heat([heat_table(found, max(found.saved))], label=LABEL, digits=2)),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise DataError(f"affinity: got {error.strerror or error}; want a folder to write in", path=folder) from error
    return tuple(folder / name for name in files)


def page(found: Affinities, title: str) -> str:
    """The matrix at the end as colours and numbers, and over training where more is known."""
    last = _drawing(heat_table(found, max(found.saved)), LABEL)
    sections = [("At the end", plot(last, "task affinities") + html_table(*table_rows(found)))]
    over = ""
    if len(found.saved) > 1:
        shown = [heat_table(found, step) for step in _some(sorted(found.saved))]
        over += "".join(plot(_drawing(table, ""), table.title) for table in shown)
    if found.logged:
        by_pair = {f"{to} takes of {of}": points for (to, of), points in found.logged.items()}
        over += plot(lambda theme: curves(by_pair, label="", baselines={}, theme=theme), "task affinities by step")
    if over:
        sections.append(("Over training", over))
    about = (
        "What the adapters of one task take from every task, and how much its loss counts for the others, estimated "
        "from gradients while training. The matrix need not be symmetric."
    )
    return document(f"Task affinities: {title}", f"<p>{escape(about)}</p>", sections)


def table_rows(found: Affinities) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the matrix at the end."""
    rows = [(task, *(f"{value:.3f}" for value in values)) for task, values in zip(found.tasks, found.last, strict=True)]
    return ("task", *(f"takes of {task}" for task in found.tasks)), rows


def heat_table(found: Affinities, step: int) -> HeatTable:
    """One saved matrix as colours."""
    cells = {
        (to, of): HeatCell(value)
        for to, values in zip(found.tasks, found.saved[step], strict=True)
        for of, value in zip(found.tasks, values, strict=True)
    }
    return HeatTable(f"step {step:,}", found.tasks, found.tasks, cells)


def affinity_to_json(found: Affinities) -> dict[str, Any]:
    """Everything as JSON holds it."""
    return {
        "tasks": list(found.tasks),
        "rows": "what a task takes from each task",
        "saved": [{"step": step, "affinities": [list(row) for row in rows]} for step, rows in found.saved.items()],
        "logged": [
            {"task": to, "of": of, "points": [list(point) for point in points]}
            for (to, of), points in found.logged.items()
        ],
    }


def _drawing(shown: HeatTable, label: str) -> DrawFigure:
    return lambda theme: heat([shown], label=label, theme=theme, digits=2)


def _matrix(folder: Path) -> Matrix:
    path = folder / WEIGHTS
    try:
        with safe_open(path, framework="pt") as file:
            if BUFFER not in file.keys():  # noqa: SIM118  a file of tensors is no mapping
                raise CheckpointError(f"affinity: {path}: got no task affinities; want a run of the ViT adapters")
            rows = file.get_tensor(BUFFER).tolist()
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want safetensors") from error
    return tuple(tuple(float(value) for value in row) for row in rows)


def _some(steps: list[int]) -> list[int]:
    """As many as are shown, from the first to the last."""
    if len(steps) <= _SHOWN:
        return steps
    return [steps[round(place * (len(steps) - 1) / (_SHOWN - 1))] for place in range(_SHOWN)]
