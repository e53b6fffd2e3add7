"""A page of data set rows with their annotations, to look at before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.report.content import RowCard
from motet.report.html import document, image_url

_ABOUT = (
    "Some rows of every source, evenly spaced, with their annotations drawn on the images or beside them. Dark grey in "
    "a map: not annotated. <code>motet data check</code> reads every row, <code>motet data stats</code> counts them."
)


def data_page(title: str, rows_by_source: Sequence[tuple[str, Sequence[RowCard]]], credit: Sequence[str] = ()) -> str:
    """Returns the page as HTML with its images embedded.

    Args:
        title: the heading.
        rows_by_source: the name of each source, and some of its rows.
        credit: licence lines that must be shown with the images.
    """
    sections = [(name, "".join(_row(row) for row in rows)) for name, rows in rows_by_source]
    lines = "".join(f'<p class="muted">{escape(line)}</p>' for line in credit)
    return document(title, f'<p class="muted">{_ABOUT}</p>{lines}', sections)


def _row(row: RowCard) -> str:
    images = "".join(
        f'<div><span class="prompt">{escape(title)}</span>'
        f'<img src="{image_url(data)}" alt="{escape(f"{title} of {row.id}")}"></div>'
        for title, data in row.images
    )
    annotations = "".join(
        f'<span class="annotation"><b>{escape(name)}</b>: {escape(text)}</span>' for name, text in row.annotations
    )
    problems = "".join(f'<span class="wrong">{escape(name)}: {escape(text)}</span>' for name, text in row.problems)
    return (
        f'<figure class="row"><div class="panels">{images}</div>'
        f'<figcaption><span class="prompt">{escape(row.id)}</span>{annotations}{problems}</figcaption></figure>'
    )
