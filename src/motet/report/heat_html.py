"""The same tables of helped and harmed as `motet.report.heat` draws, as HTML: for pages with many of them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.report.heat import HeatCell, HeatTable, signed

_HELPS, _HARMS = "0 114 178", "213 94 0"
_STRONGEST = 60
"""Per cent of colour, so that letters of the page stay readable on it, light and dark."""


def html_heat_tables(tables: Sequence[HeatTable], *, digits: int, limit: float) -> str:
    """Tables side by side, as many as fit; a number that is larger than its spread is bold.

    Args:
        tables: what is shown; what has no number stays empty.
        digits: behind the point.
        limit: what has the strongest colour, with all that lies beyond.

    Examples:
        >>> one = HeatTable("layer0", ("a",), ("b",), {("a", "b"): Heat(-0.5, 0.1)})
        >>> "<b>-0.50</b><br><small>± 0.10</small>" in html_heats([one], digits=2, limit=1.0)
        True
    """
    return f'<div class="heats">{"".join(_table(table, digits, limit) for table in tables)}</div>'


def _table(table: HeatTable, digits: int, limit: float) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    body = "".join(
        f'<tr><th class="word">{escape(row)}</th>'
        + "".join(_cell(table.cells.get((row, column)), digits, limit) for column in table.columns)
        + "</tr>"
        for row in table.rows
    )
    caption = f"<caption>{escape(table.title)}</caption>"
    return f'<table class="heat">{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(cell: HeatCell | None, digits: int, limit: float) -> str:
    if cell is None:
        return "<td></td>"
    share = round(_STRONGEST * min(abs(cell.value) / limit, 1))
    colour = f"rgb({_HELPS if cell.value > 0 else _HARMS} / {share}%)"
    said = signed(cell.value, digits)
    if cell.spread is not None:
        clear = abs(cell.value) > cell.spread
        said = f"<b>{said}</b>" if clear else said
        said += f"<br><small>± {cell.spread:.{digits}f}</small>"
    return f'<td style="background: {colour}">{said}</td>'
