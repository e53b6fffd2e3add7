"""A page of image pairs that look alike, for a person who decides whether they are the same image."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from motet.report.content import PairCard
from motet.report.html import document, image_url


def pairs_page(title: str, pairs: Sequence[PairCard], notes: Sequence[str] = ()) -> str:
    """Returns the page as HTML with its images embedded."""
    cards = "".join(_card(pair) for pair in pairs)
    summary = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return document(title, summary, [("Pairs", f'<div class="cards">{cards}</div>')])


def _card(pair: PairCard) -> str:
    images = "".join(
        f'<img src="{image_url(data)}" alt="{escape(name)}" style="width: 49%">'
        for data, name in zip(pair.images, pair.names, strict=True)
    )
    return (
        f'<figure class="double">{images}<figcaption><span class="prediction">{escape(" and ".join(pair.names))}'
        f'</span><span class="annotation">{escape(pair.caption)}</span></figcaption></figure>'
    )
