"""The common skeleton of the analyses' outputs: one JSON for programs, one Markdown file, a page and images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.report.heat import HeatTable, heat
from motet.report.html import plot
from motet.report.plots import png
from motet.report.write import write_files


def write_analysis(
    folder: Path,
    name: str,
    *,
    data: Mapping[str, Any],
    markdown: str,
    html: str = "",
    figures: Mapping[str, bytes] | None = None,
) -> tuple[Path, ...]:
    """Writes `NAME.html`, `NAME.md`, `NAME.json` and the figures of an analysis.

    Args:
        folder: gets the files; made if it does not exist.
        name: of the analysis.
        data: all numbers, as JSON holds them.
        markdown: the tables and notes.
        html: the page; "" for an analysis without one.
        figures: PNGs by file name.

    Returns:
        The paths that were written, in that order.

    Raises:
        DataError: a folder that cannot be written.
    """
    files = {f"{name}.html": html} if html else {}
    files[f"{name}.md"] = markdown
    files[f"{name}.json"] = f"{json.dumps(data, indent=1, ensure_ascii=False)}\n"
    return write_files(folder, files | dict(figures or {}))


def heat_plot(tables: Sequence[HeatTable], *, label: str, digits: int = 2, limit: float | None = None) -> str:
    """Returns heat maps side by side as HTML, drawn for light and for dark pages.

    Args:
        tables: the heat maps.
        label: of the numbers, below the figure.
        digits: after the decimal point.
        limit: the value of the strongest colour; the largest value by default.
    """
    titles = "; ".join(table.title for table in tables)
    return plot(lambda theme: heat(tables, label=label, theme=theme, digits=digits, limit=limit), titles)


def heat_png(tables: Sequence[HeatTable], *, label: str, digits: int = 2, limit: float | None = None) -> bytes:
    """Returns the same heat maps as a PNG on white, for a README."""
    return png(heat(tables, label=label, digits=digits, limit=limit))


def sentence_case(text: str) -> str:
    """Returns a text with its first letter in upper case; the others stay as they are.

    Examples:
        >>> sentence_case("delta-m of VQA")
        'Delta-m of VQA'
    """
    return text[:1].upper() + text[1:]
