"""Rows of data with what is true of them, on one page, for a person to look at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from motet.report.html import data_url, document

_SAID = (
    "Some rows of every source, spread evenly, with what is true drawn on them or beside them. Dark grey in a map: not "
    "known. <code>motet data check</code> reads every row, <code>motet data stats</code> counts them."
)


@dataclass(frozen=True)
class RowCard:
    """One row of a source.

    Args:
        id: the row's.
        images: what is drawn, each a PNG under its title.
        said: what is true in words, each behind the name of its task.
        wrong: tasks whose truth cannot be, each with the reason.
    """

    id: str
    images: tuple[tuple[str, bytes], ...] = field(repr=False)
    annotations: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...] = ()


def data_page(title: str, rows_by_source: Sequence[tuple[str, Sequence[RowCard]]], credit: Sequence[str] = ()) -> str:
    """The page as HTML; it holds its images in itself.

    Args:
        title: its head line.
        rows_by_source: what a source is called, and some of its rows.
        credit: lines that must stand beside the images.
    """
    sections = [(name, "".join(_row(row) for row in rows)) for name, rows in rows_by_source]
    lines = "".join(f'<p class="soft">{escape(line)}</p>' for line in credit)
    return document(title, f'<p class="soft">{_SAID}</p>{lines}', sections)


def _row(row: RowCard) -> str:
    images = "".join(
        f'<div><span class="asked">{escape(title)}</span>'
        f'<img src="{data_url(data, "image/png")}" alt="{escape(f"{title} of {row.id}")}"></div>'
        for title, data in row.images
    )
    said = "".join(f'<span class="true"><b>{escape(name)}</b>: {escape(text)}</span>' for name, text in row.annotations)
    wrong = "".join(f'<span class="wrong">{escape(name)}: {escape(text)}</span>' for name, text in row.problems)
    return (
        f'<figure class="row"><div class="panels">{images}</div>'
        f'<figcaption><span class="asked">{escape(row.id)}</span>{said}{wrong}</figcaption></figure>'
    )
