"""What an analysis of groups leaves: a table, a heat map and a file for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.analysis.groups import Change, GroupChanges, Members, Suggestion, suggest
from motet.core import DataError
from motet.report import tables
from motet.report.heat import HeatCell, HeatTable, heat
from motet.report.plots import png

AVERAGE = "(mean)"
TITLES = {2: "trained with one other group", 3: "trained with two other groups"}
LABEL = "change against training alone, % of its score (± standard deviation over seeds; bold: larger than that)"


def write_groups(
    folder: Path,
    changes: GroupChanges,
    groups: Mapping[str, Sequence[str]],
    *,
    role: str,
    seeds: int,
    scores: str,
) -> tuple[Path, ...]:
    """Writes `groups.md`, `groups.json` and `groups.png`.

    Args:
        folder: gets them.
        changes: of the groups' scores.
        groups: tasks by group.
        role: of the rows that were evaluated.
        seeds: how many runs each change is the mean of.
        scores: the scores behind the changes, as Markdown.

    Raises:
        DataError: a folder that cannot be written.
    """
    suggestion = suggest(changes)
    image = png(heat(heat_tables(changes), label=LABEL)) if changes.found else b""
    plain = json.dumps(groups_to_json(changes, suggestion, groups, role=role), indent=1, ensure_ascii=False)
    page = markdown(changes, suggestion, groups, role=role, seeds=seeds, scores=scores)
    files = {"groups.md": page.encode(), "groups.json": f"{plain}\n".encode(), "groups.png": image}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            if data:
                (folder / name).write_bytes(data)
    except OSError as error:
        raise DataError(f"groups: got {error.strerror or error}; want a folder to write in", path=folder) from error
    return tuple(folder / name for name, data in files.items() if data)


def markdown(
    changes: GroupChanges,
    suggestion: Suggestion,
    groups: Mapping[str, Sequence[str]],
    *,
    role: str,
    seeds: int,
    scores: str,
) -> str:
    """The page: what is suggested and why, the tables, and the scores behind them."""
    first, *others = suggestion.reasons
    lines = ["# Which groups of tasks help each other", "", f"{first[0].upper()}{first[1:]}.", ""]
    lines += [f"- {reason}" for reason in others]
    lines += ["", *(f"{name}: {', '.join(tasks)}.  " for name, tasks in groups.items()), ""]
    lines += [
        f"By how many percent of its score alone a group's {role} score changes when it is trained with others, every "
        "task seeing the same rows: positive is better. Mean and standard deviation over "
        f"{seeds} {'seed' if seeds == 1 else 'seeds'}.",
        "",
    ]
    for size in TITLES:
        if changes.columns(size):
            head, rows = table_rows(changes, size)
            lines += [tables.table(head, rows), ""]
    lines += ["![The same as colours](groups.png)", ""] if changes.found else []
    return "\n".join([*lines, "## Scores", "", scores]) + "\n"


def table_rows(changes: GroupChanges, size: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of one half of the paper's table 3, with the averages.

    Args:
        changes: of all groups.
        size: 2 for pairs, 3 for triples.

    Source: Lu et al. 2020 (arXiv 1912.02315), table 3.
    """
    columns, cells = changes.columns(size), _cells(changes, size)
    names = [*(_together(column) for column in columns), AVERAGE]
    rows = [
        (row, *("" if (change := cells.get((row, name))) is None else change_text(change) for name in names))
        for row in (*changes.names, AVERAGE)
    ]
    return (TITLES[size], *names), rows


def heat_tables(changes: GroupChanges) -> list[HeatTable]:
    """The tables as colours."""
    found = []
    for size, title in TITLES.items():
        if columns := changes.columns(size):
            cells = {key: HeatCell(change.mean, change.spread) for key, change in _cells(changes, size).items()}
            names = [*(_together(column) for column in columns), AVERAGE]
            found.append(HeatTable(title, (*changes.names, AVERAGE), names, cells, AVERAGE))
    return found


def change_text(change: Change) -> str:
    """A change as tables show it.

    Examples:
        >>> change_text(Change({0: 1.0, 1: 3.0})), change_text(Change({0: -0.5}))
        ('+2.00 ± 1.41', '-0.50')
    """
    return f"{change.mean:+.2f}" + ("" if change.spread is None else f" ± {change.spread:.2f}")


def groups_to_json(
    changes: GroupChanges, suggestion: Suggestion, groups: Mapping[str, Sequence[str]], *, role: str
) -> dict[str, Any]:
    """Everything as JSON holds it."""
    measured = [
        {"group": group, "with": list(others), **_plain(change)} for (group, others), change in changes.found.items()
    ]
    averages = [
        {"group": row, "with": column, "size": size, **_plain(change)}
        for size in TITLES
        for (row, column), change in _cells(changes, size).items()
        if AVERAGE in (row, column)
    ]
    return {
        "groups": {name: list(tasks) for name, tasks in groups.items()},
        "role": role,
        "unit": "% of the score alone, positive is better",
        "changes": measured,
        "averages": averages,
        "suggested": [list(part) for part in suggestion.parts],
        "reasons": list(suggestion.reasons),
    }


def _plain(change: Change) -> dict[str, Any]:
    by_seed = {str(seed): value for seed, value in change.by_seed.items()}
    return {"mean": change.mean, "spread": change.spread, "by_seed": by_seed}


def _cells(changes: GroupChanges, size: int) -> dict[tuple[str, str], Change]:
    columns = changes.columns(size)
    whole: dict[tuple[str, str], Change | None] = {
        (row, _together(column)): changes.of(row, column) for row in changes.names for column in columns
    }
    whole |= {(row, AVERAGE): changes.average_of_group(row, size) for row in changes.names if columns}
    whole |= {(AVERAGE, _together(column)): changes.average_with(column) for column in columns}
    return {key: change for key, change in whole.items() if change is not None}


def _together(column: Members) -> str:
    return " + ".join(column)
