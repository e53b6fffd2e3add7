"""The parts of a page that holds its images in itself and asks nothing of any other file or address."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources

from matplotlib.figure import Figure

from motet.report import plots
from motet.report.plots import Theme

DrawFigure = Callable[[Theme], Figure]
_FULL_INCHES = 9.0
_REM_AN_INCH = 6.8
"""So large that letters of a plot are about as large as those of the page."""


def document(title: str, summary: str, sections: Sequence[tuple[str, str]]) -> str:
    """A page.

    Args:
        title: as text.
        summary: HTML below it.
        sections: names as text, and what they hold as HTML; linked at the top.
    """
    css = resources.files("motet.report").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections)
    bodies = "".join(
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{body}</section>' for name, body in sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{css}</style></head>\n"
        f"<body><main><header><h1>{escape(title)}</h1>{summary}<nav>{links}</nav></header>\n"
        f"{bodies}</main></body></html>\n"
    )


def plot(draw: DrawFigure, alt: str) -> str:
    """A figure drawn twice, for light and for dark; one that is narrower than the page stays so."""
    figure = draw(plots.LIGHT)
    light, dark = (data_url(plots.svg(one), "image/svg+xml") for one in (figure, draw(plots.DARK)))
    inches = figure.get_figwidth()
    narrow = f' style="max-width: {inches * _REM_AN_INCH:.0f}rem"' if inches < _FULL_INCHES else ""
    return (
        f'<picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img class="plot"{narrow} src="{light}" alt="{escape(alt)}"></picture>'
    )


def data_url(content: bytes, media_type: str) -> str:
    """A file as an address that holds it."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, total: bool = False) -> str:
    """A table; the first `left` columns are words, the others numbers.

    Args:
        head: names of the columns.
        rows: the cells, as text.
        left: how many columns are words.
        total: whether the last row is a sum of the others.
    """

    def line(cells: Sequence[str], kind: str, last: bool = False) -> str:
        made = [f"<{kind}{' class=word' if n < left else ''}>{escape(cell)}</{kind}>" for n, cell in enumerate(cells)]
        return f"<tr{' class=total' if last else ''}>{''.join(made)}</tr>"

    body = "".join(line(cells, "td", total and place == len(rows) - 1) for place, cells in enumerate(rows))
    return f'<div class="wide"><table><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table></div>'


def html_list(lines: Sequence[str], nothing: str) -> str:
    """Lines of text, or what is said where there are none."""
    if not lines:
        return f'<p class="soft">{escape(nothing)}</p>'
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _anchor(name: str) -> str:
    return escape(name.lower().replace(" ", "-"))
