"""Building blocks of pages that embed their images and load nothing from any other file or address."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from importlib import resources

from matplotlib.figure import Figure

from motet.report import plots
from motet.report.draw.encoding import media_type
from motet.report.plots import Theme

DrawFigure = Callable[[Theme], Figure]
_FULL_INCHES = 9.0
_REM_PER_INCH = 6.8
"""So large that the letters of a plot are about as large as those of the page."""


def document(title: str, summary: str, sections: Sequence[tuple[str, str]]) -> str:
    """Returns a page.

    Args:
        title: as text.
        summary: HTML below the title.
        sections: names as text and bodies as HTML; linked at the top where there are several.
    """
    css = resources.files("motet.report").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name, _ in sections if len(sections) > 1)
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
    """Returns a figure drawn twice, for light and for dark pages; one narrower than the page keeps its width."""
    figure = draw(plots.LIGHT)
    light, dark = (_data_url(plots.svg(one), "image/svg+xml") for one in (figure, draw(plots.DARK)))
    inches = figure.get_figwidth()
    narrow = f' style="max-width: {inches * _REM_PER_INCH:.0f}rem"' if inches < _FULL_INCHES else ""
    return (
        f'<picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img class="plot"{narrow} src="{light}" alt="{escape(alt)}"></picture>'
    )


def image_url(data: bytes) -> str:
    """Returns an encoded PNG or JPEG as a `data:` address that holds it.

    Examples:
        >>> image_url(bytes([255, 216, 255]))
        'data:image/jpeg;base64,/9j/'
    """
    return _data_url(data, media_type(data))


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, total: bool = False) -> str:
    """Returns a table; the first `left` columns are text, the others numbers.

    Args:
        head: names of the columns.
        rows: the cells, as text.
        left: the number of columns of text.
        total: whether the last row summarises the others.
    """

    def line(cells: Sequence[str], kind: str, last: bool = False) -> str:
        made = [f"<{kind}{' class=text' if n < left else ''}>{escape(cell)}</{kind}>" for n, cell in enumerate(cells)]
        return f"<tr{' class=total' if last else ''}>{''.join(made)}</tr>"

    body = "".join(line(cells, "td", total and place == len(rows) - 1) for place, cells in enumerate(rows))
    return f'<div class="scroll"><table><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table></div>'


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


def _data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _anchor(name: str) -> str:
    return escape(name.lower().replace(" ", "-"))
