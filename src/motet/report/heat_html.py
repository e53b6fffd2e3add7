"""Heat maps as HTML tables, for pages with too many to draw each as a figure (see `motet.report.heat`)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.report.heat import HeatCell, HeatTable, signed

_POSITIVE, _NEGATIVE = "0 114 178", "213 94 0"
_MAX_OPACITY = 60
"""Per cent, so that letters stay readable on it on light and dark pages."""


def html_heat_tables(tables: Sequence[HeatTable], *, digits: int, limit: float) -> str:
    """Returns tables side by side, as many as fit; a number that is larger than its spread is bold.

    Args:
        tables: the heat maps; a missing cell stays empty.
        digits: after the decimal point.
        limit: the value of the strongest colour; larger ones have the same.

    Examples:
        >>> one = HeatTable("layer0", ("a",), ("b",), {("a", "b"): HeatCell(-0.5, 0.1)})
        >>> "<b>-0.50</b><br><small>± 0.10</small>" in html_heat_tables([one], digits=2, limit=1.0)
        True
    """
    return f'<div class="heats">{"".join(_table(table, digits, limit) for table in tables)}</div>'


def _table(table: HeatTable, digits: int, limit: float) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    body = "".join(
        f'<tr><th class="text">{escape(row)}</th>'
        + "".join(_cell(table.cells.get((row, column)), digits, limit) for column in table.columns)
        + "</tr>"
        for row in table.rows
    )
    caption = f"<caption>{escape(table.title)}</caption>"
    return f'<table class="heat">{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(cell: HeatCell | None, digits: int, limit: float) -> str:
    if cell is None:
        return "<td></td>"
    opacity = round(_MAX_OPACITY * min(abs(cell.value) / limit, 1))
    colour = f"rgb({_POSITIVE if cell.value > 0 else _NEGATIVE} / {opacity}%)"
    number = signed(cell.value, digits)
    if cell.spread is not None:
        clear = abs(cell.value) > cell.spread
        number = f"<b>{number}</b>" if clear else number
        number += f"<br><small>± {cell.spread:.{digits}f}</small>"
    return f'<td style="background: {colour}">{number}</td>'
