"""Images in pairs that look alike, on one page, for a person who decides whether they are the same."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources


@dataclass(frozen=True)
class PairCard:
    """One pair.

    Args:
        images: two encoded images, small.
        names: what each is called.
        said: what is known of the pair.
    """

    images: tuple[bytes, bytes] = field(repr=False)
    names: tuple[str, str]
    caption: str


def pairs_page(title: str, pairs: Sequence[PairCard], notes: Sequence[str] = ()) -> str:
    """The page as HTML; it holds its images in itself."""
    css = resources.files("motet.report").joinpath("page.css").read_text(encoding="utf-8")
    cards = "".join(_card(pair) for pair in pairs)
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{css}</style></head>\n"
        f"<body><main><header><h1>{escape(title)}</h1>{said}</header>\n"
        f'<section><div class="cards">{cards}</div></section></main></body></html>\n'
    )


def _card(pair: PairCard) -> str:
    images = "".join(
        f'<img src="data:{_media_type(data)};base64,{base64.b64encode(data).decode()}" alt="{escape(name)}" '
        'style="width: 49%">'
        for data, name in zip(pair.images, pair.names, strict=True)
    )
    return (
        f'<figure class="pair">{images}<figcaption><span class="said">{escape(" and ".join(pair.names))}</span>'
        f'<span class="true">{escape(pair.caption)}</span></figcaption></figure>'
    )


def _media_type(data: bytes) -> str:
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
