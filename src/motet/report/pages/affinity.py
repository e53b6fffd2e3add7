"""Task affinities of the ViT adapters, at the end of training and over its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from motet.core import CheckpointError
from motet.core.model_folder import WEIGHTS, step_folder, steps_in
from motet.core.regular_files import file_size
from motet.report import tables
from motet.report.heat import HeatTable
from motet.report.html import document, html_table, plot
from motet.report.pages.analysis import heat_plot, heat_png, sentence_case, write_analysis
from motet.report.plots import curves
from motet.report.runs import LOG, read_log

BUFFER = "affinities"
"""Name of the saved matrix: row t holds the weights that task t gives to the features of all tasks; they sum to 1."""
LABEL = "row: what a task takes from each task; rows sum to 1"
ABOUT = (
    "How much the adapters of one task take from every task, and how much its loss counts for the others, estimated "
    "from gradients during training. The matrix need not be symmetric."
)
_MAX_STEPS = 6

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Affinities:
    """The affinity matrices of one run.

    Args:
        tasks: in order.
        saved: matrices by step of a saved model, ascending; at least one.
        logged: points (step, value) of the log by (task, other task); empty where the log has none.
    """

    tasks: tuple[str, ...]
    saved: Mapping[int, Matrix]
    logged: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]

    @property
    def last(self) -> Matrix:
        """The matrix of the last saved step."""
        return self.saved[max(self.saved)]


def read_affinities(folder: Path, tasks: tuple[str, ...]) -> Affinities:
    """Reads the affinities that a run saved and logged.

    Args:
        folder: of a run.
        tasks: of the run, in order.

    Raises:
        CheckpointError: no saved model, a damaged one, or one of a system without task affinities.
    """
    steps = steps_in(folder)
    if not steps:
        raise CheckpointError(
            f"affinity: {folder}: got no step-...; want a run with a saved model of a system that has task affinities"
        )
    saved = {step: _matrix(step_folder(folder, step)) for step in steps}
    if len(saved[steps[-1]]) != len(tasks):
        raise CheckpointError(
            f"affinity: {folder}: got a matrix of {len(saved[steps[-1]])} tasks; want {len(tasks)}: {', '.join(tasks)}"
        )
    log = read_log(folder / LOG).numbers if (folder / LOG).exists() else {}
    pairs = {(to, of): log.get(f"affinity/{to}/{of}", ()) for to in tasks for of in tasks}
    return Affinities(tasks, saved, {pair: points for pair, points in pairs.items() if points})


def write_affinity(folder: Path, affinities: Affinities, *, title: str) -> tuple[Path, ...]:
    """Writes `affinity.html`, `.md`, `.json` and `.png`.

    Args:
        folder: gets them.
        affinities: of one run.
        title: the run's name.

    Raises:
        DataError: a folder that cannot be written.
    """
    table = tables.table(*table_rows(affinities))
    last = heat_table(affinities, max(affinities.saved))
    return write_analysis(
        folder,
        "affinity",
        data=affinity_to_json(affinities),
        markdown=f"# Task affinities: {title}\n\n{sentence_case(LABEL)}.\n\n{table}\n",
        html=page(affinities, title),
        figures={"affinity.png": heat_png([last], label=LABEL)},
    )


def page(affinities: Affinities, title: str) -> str:
    """Returns the page: the matrix at the end, then its course over training where several steps are known."""
    last = heat_plot([heat_table(affinities, max(affinities.saved))], label=LABEL)
    sections = [("At the end", last + html_table(*table_rows(affinities)))]
    course = ""
    if len(affinities.saved) > 1:
        steps = _evenly_chosen(sorted(affinities.saved))
        course += "".join(heat_plot([heat_table(affinities, step)], label="") for step in steps)
    if affinities.logged:
        by_pair = {f"{to} takes of {of}": points for (to, of), points in affinities.logged.items()}
        course += plot(lambda theme: curves(by_pair, label="", baselines={}, theme=theme), "task affinities by step")
    if course:
        sections.append(("Over training", course))
    return document(f"Task affinities: {title}", f"<p>{escape(ABOUT)}</p>", sections)


def table_rows(affinities: Affinities) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of the matrix at the end."""
    pairs = zip(affinities.tasks, affinities.last, strict=True)
    rows = [(task, *(f"{value:.3f}" for value in values)) for task, values in pairs]
    return ("task", *(f"takes of {task}" for task in affinities.tasks)), rows


def heat_table(affinities: Affinities, step: int) -> HeatTable:
    """Returns the matrix of one saved step as a heat map."""
    return HeatTable.of_matrix(f"step {step:,}", affinities.tasks, np.array(affinities.saved[step]))


def affinity_to_json(affinities: Affinities) -> dict[str, Any]:
    """Returns all matrices and logged points as JSON holds them."""
    return {
        "tasks": list(affinities.tasks),
        "rows": "what a task takes from each task",
        "saved": [{"step": step, "affinities": [list(row) for row in rows]} for step, rows in affinities.saved.items()],
        "logged": [
            {"task": to, "of": of, "points": [list(point) for point in points]}
            for (to, of), points in affinities.logged.items()
        ],
    }


def _matrix(folder: Path) -> Matrix:
    path = folder / WEIGHTS
    try:
        file_size(path)
        with safe_open(path, framework="pt") as file:
            if BUFFER not in file.keys():  # noqa: SIM118  a file of tensors is no mapping
                raise CheckpointError(f"affinity: {path}: got no task affinities; want a run of the ViT adapters")
            rows = file.get_tensor(BUFFER).tolist()
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: got a damaged file ({error}); want safetensors") from error
    return tuple(tuple(float(value) for value in row) for row in rows)


def _evenly_chosen(steps: list[int]) -> list[int]:
    """Returns at most `_MAX_STEPS` steps, the first and the last among them."""
    if len(steps) <= _MAX_STEPS:
        return steps
    return [steps[round(place * (len(steps) - 1) / (_MAX_STEPS - 1))] for place in range(_MAX_STEPS)]
