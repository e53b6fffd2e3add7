"""Changes of the scores of task groups that are trained together: tables, heat maps and a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.analysis.groups import Change, GroupChanges, Members, Partition, suggest
from motet.report import tables
from motet.report.heat import HeatCell, HeatTable
from motet.report.pages.analysis import heat_png, sentence_case, write_analysis

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
        role: of the evaluated rows: "val" or "test".
        seeds: the number of runs that each change is the mean of.
        scores: the scores behind the changes, as Markdown.

    Raises:
        DataError: a folder that cannot be written.
    """
    suggestion = suggest(changes)
    return write_analysis(
        folder,
        "groups",
        data=groups_to_json(changes, suggestion, groups, role=role),
        markdown=markdown(changes, suggestion, groups, role=role, seeds=seeds, scores=scores),
        figures={"groups.png": heat_png(heat_tables(changes), label=LABEL, digits=1)} if changes.changes else {},
    )


def markdown(
    changes: GroupChanges,
    suggestion: Partition,
    groups: Mapping[str, Sequence[str]],
    *,
    role: str,
    seeds: int,
    scores: str,
) -> str:
    """Returns the suggested groups with the reasons, the tables, and the scores behind them."""
    first, *others = suggestion.reasons
    lines = ["# Groups of tasks that help each other", "", f"{sentence_case(first)}.", ""]
    lines += [f"- {reason}" for reason in others]
    lines += ["", *(f"{name}: {', '.join(tasks)}.  " for name, tasks in groups.items()), ""]
    lines += [
        f"Change of a group's {role} score when it is trained with other groups, in percent of its score when trained "
        "alone; positive is better. Every task sees the same number of samples in both. Mean and standard deviation "
        f"over {seeds} {'seed' if seeds == 1 else 'seeds'}.",
        "",
    ]
    for size in TITLES:
        if changes.columns(size):
            head, rows = table_rows(changes, size)
            lines += [tables.table(head, rows), ""]
    lines += ["![The same as colours](groups.png)", ""] if changes.changes else []
    return "\n".join([*lines, "## Scores", "", scores]) + "\n"


def table_rows(changes: GroupChanges, size: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Returns head and rows of one half of the paper's table 3, with the averages.

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
    """Returns the tables as heat maps, pairs first."""
    heats = []
    for size, title in TITLES.items():
        if columns := changes.columns(size):
            cells = {key: HeatCell(change.mean, change.spread) for key, change in _cells(changes, size).items()}
            names = [*(_together(column) for column in columns), AVERAGE]
            heats.append(HeatTable(title, (*changes.names, AVERAGE), names, cells, AVERAGE))
    return heats


def change_text(change: Change) -> str:
    """Returns a change as tables show it: the mean, and the standard deviation of several seeds.

    Examples:
        >>> change_text(Change({0: 1.0, 1: 3.0})), change_text(Change({0: -0.5}))
        ('+2.00 ± 1.41', '-0.50')
    """
    return f"{change.mean:+.2f}" + ("" if change.spread is None else f" ± {change.spread:.2f}")


def groups_to_json(
    changes: GroupChanges, suggestion: Partition, groups: Mapping[str, Sequence[str]], *, role: str
) -> dict[str, Any]:
    """Returns all changes, averages and the suggestion as JSON holds them."""
    measured = [
        {"group": group, "with": list(others), **_plain(change)} for (group, others), change in changes.changes.items()
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
