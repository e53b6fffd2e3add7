"""Building blocks of pages that embed their images and load nothing from any other file or address."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from matplotlib.figure import Figure

from motet.core.printable import printable
from motet.report import plots
from motet.report.download import Numbers, csv_link, file_name
from motet.report.draw.encoding import media_type
from motet.report.plots import Theme

DrawFigure = Callable[[Theme], Figure]
_FULL_INCHES = 9.0
_REM_PER_INCH = 6.8
"""So large that the letters of a plot are about as large as those of the page."""
LONG_TABLE = 12
"""Rows from which on a table has a field to filter it."""


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads to another page.

    Args:
        text: that is shown.
        href: a relative address.
    """

    text: str
    href: str


def document(title: str, summary: str, sections: Sequence[tuple[str, str]]) -> str:
    """Returns a page. Its own script is the only one that runs on it, whatever text it holds.

    Args:
        title: as text.
        summary: HTML below the title.
        sections: names as text and bodies as HTML; linked at the top where there are several.
    """
    files = resources.files("motet.report")
    css, script = (files.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections if len(sections) > 1)
    bodies = "".join(
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{body}</section>' for name, body in sections
    )
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{css}</style></head>\n"
        f"<body><main><header><h1>{escape(title)}</h1>{summary}<nav>{links}</nav></header>\n"
        f"{bodies}</main><script>{script}</script></body></html>\n"
    )


def plot(draw: DrawFigure, alt: str, numbers: Numbers | None = None) -> str:
    """Returns a figure drawn twice, for light and for dark pages; one narrower than the page keeps its width.

    Args:
        draw: draws the figure in a theme.
        alt: text in its place.
        numbers: that the figure shows, to be saved as CSV; the figure itself can be saved as SVG.
    """
    figure = draw(plots.LIGHT)
    drawn = {"light": figure, "dark": draw(plots.DARK)}
    inches = figure.get_figwidth()
    narrow = f' style="max-width: {inches * _REM_PER_INCH:.0f}rem"' if inches < _FULL_INCHES else ""
    images = "".join(
        f'<img class="{theme}" src="{_data_url(plots.svg(one), "image/svg+xml")}" alt="{attribute(alt)}">'
        for theme, one in drawn.items()
    )
    saved = ""
    if numbers is not None:
        # The script fills in the address: the image that is shown, which is not embedded twice.
        svg = f'<a class="save svg" hidden download="{escape(file_name(numbers.name))}.svg" href="#">SVG</a>'
        saved = f'<p class="saves">{svg}{csv_link(numbers)}</p>'
    return f'<div class="plot"{narrow}><div class="scroll">{images}</div>{saved}</div>'


def image_url(data: bytes) -> str:
    """Returns an encoded PNG or JPEG as a `data:` address that holds it.

    Examples:
        >>> image_url(bytes([255, 216, 255]))
        'data:image/jpeg;base64,/9j/'
    """
    return _data_url(data, media_type(data))


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[str | Link]], *, left: int = 1, total: bool = False, name: str = ""
) -> str:
    """Returns a table; the first `left` columns are text, the others numbers.

    Its columns can be sorted, and a long one can be filtered.

    Args:
        head: names of the columns.
        rows: the cells, as text or as links.
        left: the number of columns of text.
        total: whether the last row summarises the others.
        name: of the CSV file that it can be saved as; "" for none.
    """

    def line(cells: Sequence[str | Link], kind: str, last: bool = False) -> str:
        made = [f"<{kind}{' class=text' if n < left else ''}>{_cell(cell)}</{kind}>" for n, cell in enumerate(cells)]
        return f"<tr{' class=total' if last else ''}>{''.join(made)}</tr>"

    body = "".join(line(cells, "td", total and place == len(rows) - 1) for place, cells in enumerate(rows))
    texts = [[cell.text if isinstance(cell, Link) else cell for cell in cells] for cells in rows]
    saved = f'<p class="saves">{csv_link(Numbers(name, tuple(head), texts))}</p>' if name else ""
    kind = ' class="long"' if len(rows) >= LONG_TABLE else ""
    table = f"<table{kind}><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"
    return f'<div class="table"><div class="scroll">{table}</div>{saved}</div>'


def html_list(lines: Sequence[str], nothing: str) -> str:
    """Returns lines of text as a list, or the text `nothing` where there are none."""
    if not lines:
        return muted(nothing)
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def muted(text: str) -> str:
    """Returns a paragraph of secondary text; nothing for an empty one.

    Examples:
        >>> muted("5 < 6"), muted("")
        ('<p class="muted">5 &lt; 6</p>', '')
    """
    return f'<p class="muted">{escape(text)}</p>' if text else ""


def details(title: str, body: str) -> str:
    """Returns HTML that is folded away below its title until it is asked for; printed pages show it.

    Examples:
        >>> details("a & b", "<p>c</p>")
        '<details><summary>a &amp; b</summary><p>c</p></details>'
    """
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _cell(cell: str | Link) -> str:
    return f'<a href="{attribute(cell.href)}">{escape(cell.text)}</a>' if isinstance(cell, Link) else escape(cell)


def attribute(text: str) -> str:
    """Returns a text from data for an attribute in double quotes; no control stands in it.

    Examples:
        >>> attribute('a "b" <c>')
        'a &quot;b&quot; &lt;c&gt;'
    """
    return escape(printable(text))


def _data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _anchor(name: str) -> str:
    return escape(name.lower().replace(" ", "-"))
