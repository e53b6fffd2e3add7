"""Affinities of tasks that were measured in one run: tables, heat maps and a JSON file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motet.analysis.groups import Partition
from motet.analysis.task_affinity import GridComparison, TaskAffinity
from motet.report import tables
from motet.report.heat import HeatTable
from motet.report.pages.analysis import heat_png, sentence_case, write_analysis

NAME = "task_affinity"
_LABEL = "row: the step is for; column: whose loss falls, in % (below: standard deviation over measurements)"


def write_task_affinity(
    folder: Path,
    found: TaskAffinity,
    suggested: Partition,
    groups: Mapping[str, Sequence[str]],
    *,
    steps: Mapping[str, float],
    grid: GridComparison | None,
) -> tuple[Path, ...]:
    """Writes `task_affinity.md`, `task_affinity.json` and `task_affinity.png`.

    Args:
        folder: gets them.
        found: the affinities.
        suggested: the groups to train together.
        groups: tasks by group.
        steps: what was trained -> its cost in training steps.
        grid: the comparison with the grid of pairs, if there is one.

    Raises:
        DataError: a folder that cannot be written.
    """
    heats = [
        HeatTable.of_matrix("affinity, %", found.names, 100 * _off(found.affinity), 100 * _off(found.affinity_spread)),
        HeatTable.of_matrix("cosine of gradients", found.names, _off(found.cosine), _off(found.cosine_spread)),
    ]
    return write_analysis(
        folder,
        NAME,
        data=affinity_to_json(found, suggested, groups, steps=steps, grid=grid),
        markdown=markdown(found, suggested, steps=steps, grid=grid),
        figures={
            f"{NAME}.png": heat_png(heats[:1], label=_LABEL, digits=3),
            f"{NAME}_cosines.png": heat_png(heats[1:], label="mean cosine of two tasks' gradients", digits=2),
        },
    )


def markdown(
    found: TaskAffinity, suggested: Partition, *, steps: Mapping[str, float], grid: GridComparison | None
) -> str:
    """Returns the suggested groups, the tables, the cost, and the comparison with the grid."""
    first, *others = suggested.reasons
    lines = [
        "# Groups of tasks from one run",
        "",
        f"{sentence_case(first)}.",
        "",
        *(f"- {line}" for line in others),
        "",
    ]
    lines += [
        f"Mean over {found.measured} measurements in training, ± standard deviation. Affinity: by how many percent "
        "the loss of the column's task falls after one gradient step for the row's task (Fifty et al. 2021). It says "
        "what a step does now, not how good a task is at the end.",
        "",
    ]
    for title, values, spreads, scale, digits in (
        ("affinity, %", found.affinity, found.affinity_spread, 100, 3),
        ("cosine of gradients", found.cosine, found.cosine_spread, 1, 2),
    ):
        rows = [
            (name, *(_cell(scale * v, scale * s, digits) for v, s in zip(values[i], spreads[i], strict=True)))
            for i, name in enumerate(found.names)
        ]
        lines += [tables.table((title, *found.names), rows), ""]
    lines += [f"![The same as colours]({NAME}.png)", ""]
    lines += [tables.table(("cost", "training steps"), [(name, f"{cost:,.0f}") for name, cost in steps.items()]), ""]
    return "\n".join([*lines, *grid_lines(grid)]) + "\n"


def grid_lines(grid: GridComparison | None) -> list[str]:
    """Returns the sentences that compare with the grid; none without one."""
    if grid is None:
        return []
    lines = []
    for name, correlation in (("affinity", grid.affinity), ("cosine", grid.cosine)):
        told = "too few pairs" if correlation is None else f"{correlation[0]:+.2f} (p = {correlation[1]:.3f})"
        lines.append(
            f"Spearman's rank correlation of {name} and change in the grid, {len(grid.pairs)} pairs: {told}.  "
        )
    return lines


def affinity_to_json(
    found: TaskAffinity,
    suggested: Partition,
    groups: Mapping[str, Sequence[str]],
    *,
    steps: Mapping[str, float],
    grid: GridComparison | None,
) -> dict[str, Any]:
    """Returns all numbers as JSON holds them; what was not measured is null."""
    names = ("affinity", "affinity_spread", "cosine", "cosine_spread")
    return {
        "groups": {name: list(tasks) for name, tasks in groups.items()},
        "measured": found.measured,
        **{name: [[_number(v) for v in row] for row in getattr(found, name)] for name in names},
        "suggested": [list(part) for part in suggested.parts],
        "reasons": list(suggested.reasons),
        "steps": dict(steps),
        "grid": None
        if grid is None
        else {
            "pairs": [
                dict(zip(("with", "group", "affinity", "cosine", "change"), pair, strict=True)) for pair in grid.pairs
            ],
            "spearman": {"affinity": grid.affinity, "cosine": grid.cosine},
        },
    }


def _off(values: np.ndarray) -> np.ndarray:
    """Returns a matrix without its diagonal, which would have the strongest colours."""
    return np.where(np.eye(len(values), dtype=bool), np.nan, values)


def _cell(value: float, spread: float, digits: int) -> str:
    if not math.isfinite(value):
        return ""
    return f"{value:+.{digits}f}" + (f" ± {spread:.{digits}f}" if math.isfinite(spread) else "")


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
