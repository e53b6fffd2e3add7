"""Heat maps as HTML tables: colours by sign and size, nothing where there is no number, names as text."""

from __future__ import annotations

from motet.report.heat import HeatCell, HeatTable
from motet.report.heat_html import html_heat_tables


def cells_of(**cells: HeatCell) -> str:
    named = {("row", name): cell for name, cell in cells.items()}
    return html_heat_tables([HeatTable("t", ("row",), tuple(cells), named)], digits=2, limit=1.0)


def test_colours_say_sign_and_size_up_to_the_limit():
    said = cells_of(a=HeatCell(0.5), b=HeatCell(-1.0), c=HeatCell(-7.0), d=HeatCell(0.0))
    assert '<td style="background: rgb(0 114 178 / 30%)">+0.50</td>' in said
    assert '<td style="background: rgb(213 94 0 / 60%)">-1.00</td>' in said
    assert '<td style="background: rgb(213 94 0 / 60%)">-7.00</td>' in said
    assert "/ 0%)" in said


def test_only_what_is_larger_than_its_spread_is_bold():
    said = cells_of(a=HeatCell(0.5, 0.2), b=HeatCell(0.1, 0.2))
    assert "<b>+0.50</b><br><small>± 0.20</small>" in said
    assert ">+0.10<br><small>± 0.20</small>" in said


def test_no_number_is_an_empty_cell_and_names_are_text():
    said = html_heat_tables([HeatTable("<t>", ("a&b",), ("c<d",), {})], digits=1, limit=1.0)
    assert "<td></td>" in said
    assert "<caption>&lt;t&gt;</caption>" in said
    assert "a&amp;b" in said
    assert "c&lt;d" in said
